export { mount as DELETE, mount as GET, mount as PATCH, mount as POST, mount as PUT } from "../../../../mount.ts";

export const dynamic = "force-dynamic";
export const runtime = "nodejs";
