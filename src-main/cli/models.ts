import type { Command } from "commander";
import type { CommandContext } from "./context.js";
import { addOutputOptions, examples } from "./options.js";

/** `verger models`: the networks that turn a photo into a feature vector. */
export function addModels(program: Command, _context: CommandContext): void {
  const models = program
    .command("models")
    .summary("list, add, pull, verify and remove models")
    .description("The networks that turn a photo into a feature vector: those that come with Verger and your own.");
  const list = models.command("list").summary("the models that can be used").description("Lists the models.");
  addOutputOptions(list).addHelpText(
    "after",
    examples([["verger models list", "Names, sizes and where each stands."]]),
  );
}
