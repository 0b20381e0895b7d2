/** What a step of the check found, in the language of the window. */
import type { Catalogue } from "../i18n";
import type { CheckStepView } from "../ipc";

/** Returns the step's sentence; empty where it did not run. */
export function sentenceOf(text: Catalogue, { finding, summary }: CheckStepView): string {
  return finding === null ? summary : text.finding(finding, summary);
}

/** Whether a step went well, with something in it that should be looked at. */
export function isWarned({ finding, status }: CheckStepView): boolean {
  return status === "ok" && finding?.code === "letIn" && finding.clockAheadS !== null;
}
