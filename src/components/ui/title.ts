export const title = "Codewise";
