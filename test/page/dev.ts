/** For whoever works on the page: a fake desk whose scan goes on, at a fixed address. */
import { demoDesk } from "./demo.ts";

const desk = await demoDesk(Number(process.argv[2] ?? 8099));
console.log(desk.address);
setInterval(() => desk.advance("s1", 12), 250);
