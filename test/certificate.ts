import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Makes an authority of the test's own, `ca.pem`, and with it a certificate for the name localhost, `b.pem`, and its key, `b.key`. */
export function makeCertificate(directory: string): void {
  const openssl = (line: string, ...more: string[]) => {
    const { status, stderr } = spawnSync("openssl", [...line.split(" "), ...more], {
      cwd: directory,
    });
    if (status !== 0) throw new Error(stderr.toString());
  };
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
  const authority = "-keyout ca.key -out ca.pem";
  openssl(`req -x509 ${key} -days 2 ${authority} -subj`, "/CN=test authority");
  openssl(`req ${key} -subj /CN=localhost -keyout b.key -out b.csr`);
  writeFileSync(join(directory, "ext"), "subjectAltName=DNS:localhost\n");
  const signed = "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext";
  openssl(`x509 -req -in b.csr ${signed} -out b.pem`);
}
