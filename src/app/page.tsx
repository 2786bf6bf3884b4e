import { title } from "../components/ui/title.ts";

export default function Page() {
  return <h1>{title}</h1>;
}
