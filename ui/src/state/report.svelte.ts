/** The report for whoever helps: made, shown, and saved as it was shown. */
import type { Answer, Backend, ReportView, UiError } from "../ipc";

/** What is under way. */
export type ReportWork = "making" | "saving" | null;

export class ReportState {
  /** What is shown; `null` while nothing is. */
  view = $state.raw<ReportView | null>(null);
  /** Where it was saved; `null` until it is. */
  savedTo = $state<string | null>(null);
  works = $state<ReportWork>(null);
  problem = $state.raw<UiError | null>(null);

  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Has a report made and shows it. */
  async make(): Promise<void> {
    this.savedTo = null;
    const made = await this.#work("making", () => this.#backend.commands.prepareReport());
    if (made !== null) this.view = made;
  }

  /** Saves what is shown. */
  async save(): Promise<void> {
    const { view } = this;
    if (view === null) return;
    const saved = await this.#work("saving", () => this.#backend.commands.saveReport(view.number));
    if (saved !== null) this.savedTo = saved.path;
  }

  /** Shows the folder it was saved in. */
  openFolder = () => this.#work(null, () => this.#backend.commands.openReportFolder());

  close(): void {
    this.view = null;
    this.savedTo = null;
    this.problem = null;
  }

  async #work<T>(works: ReportWork, ask: () => Promise<Answer<T, UiError>>): Promise<T | null> {
    this.works = works;
    this.problem = null;
    try {
      const answer = await ask();
      if (answer.status === "ok") return answer.data;
      this.problem = answer.error;
      return null;
    } finally {
      this.works = null;
    }
  }
}
