// Runs a program until it ends or this process's standard input does: the kernel closes that pipe however the process
// at its other end dies, so a crashed or killed test leaves no server behind.
//
//   node until-parent-ends.mjs <program> [arguments]
import { spawn } from "node:child_process";

const [program, ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
const kill = () => child.kill("SIGKILL");
child.once("error", (error) => {
  console.error(`${program}: ${error.message}`);
  process.exit(127);
});
child.once("exit", (code) => process.exit(code ?? 1));
process.stdin.on("error", kill).once("close", kill).resume();
// Ctrl-C on a terminal reaches this process too: the program at the other end of the pipe decides when to stop.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, kill);
process.once("exit", kill);
