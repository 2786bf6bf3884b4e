import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A certificate for 127.0.0.1 by an authority of its own that nobody knows, as companies have them; all PEM. */
export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
  /** The authority's certificate. */
  readonly authorityPath: string;
}

/** Makes one in a folder, by openssl. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const path = (name: string): string => join(folder, name);
  const subject = (name: string): string[] => ["-subj", `/CN=${name}`, "-nodes", "-newkey", "rsa:2048"];
  const authority = ["-keyout", path("ca.key"), "-out", path("ca.pem")];
  await run("openssl", ["req", "-x509", "-days", "1", ...subject("Codewise test authority"), ...authority]);
  await run("openssl", ["req", ...subject("127.0.0.1"), "-keyout", path("server.key"), "-out", path("server.csr")]);
  await writeFile(path("names"), "subjectAltName=IP:127.0.0.1\n");
  const signing = ["-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial", "-extfile", path("names")];
  await run("openssl", [
    "x509",
    "-req",
    "-days",
    "1",
    "-in",
    path("server.csr"),
    ...signing,
    "-out",
    path("server.pem"),
  ]);
  const [key, cert] = await Promise.all([readFile(path("server.key")), readFile(path("server.pem"))]);
  return { key, cert, authorityPath: path("ca.pem") };
}
