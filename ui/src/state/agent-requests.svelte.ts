/** What waits for a person to decide, as last told. */
import type {
  AgentAnswerForm,
  AgentRequestsView,
  Backend,
  DecisionView,
  PairingKind,
  UiError,
} from "../ipc";

const NOTHING: AgentRequestsView = { approvals: [], questions: [], pairings: [] };

export class AgentRequestsState {
  view = $state.raw<AgentRequestsView>(NOTHING);
  /** Why the last decision did not arrive. */
  problem = $state.raw<UiError | null>(null);
  /** The requests whose decision is on its way, by id. */
  deciding = $state.raw<readonly string[]>([]);

  readonly #backend: Backend;
  readonly #failed: string;

  /** `failed` is said when the app could not be asked at all. */
  constructor(backend: Backend, failed: string) {
    this.#backend = backend;
    this.#failed = failed;
  }

  readonly count = $derived(
    this.view.approvals.length + this.view.questions.length + this.view.pairings.length,
  );

  receive(view: AgentRequestsView): void {
    this.view = view;
  }

  decide = (id: string, decision: DecisionView) =>
    this.#send(id, () => this.#backend.commands.decideApproval(id, decision));

  answer = (id: string, answers: AgentAnswerForm[]) =>
    this.#send(id, () => this.#backend.commands.answerAgent(id, answers));

  /** The pairing that only an administrator may allow, once that was tried without. */
  needsAdmin = $state<string | null>(null);

  letIn = async (id: string, kind: PairingKind, approve: boolean, asAdmin = false) => {
    await this.#send(id, () => this.#backend.commands.decidePairing(id, kind, approve, asAdmin));
    if (this.problem?.code !== "needsAdministrator") return;
    // The card says so itself, with a button.
    this.needsAdmin = id;
    this.problem = null;
  };

  dismiss = (id: string) => this.#send(id, () => this.#backend.commands.answerAgent(id, null));

  forgetProblem = () => (this.problem = null);

  async #send(
    id: string,
    command: () => Promise<{ status: "ok" } | { status: "error"; error: UiError }>,
  ): Promise<void> {
    if (this.deciding.includes(id)) return;
    this.deciding = [...this.deciding, id];
    this.problem = null;
    try {
      const answer = await command();
      if (answer.status === "error") this.problem = answer.error;
    } catch {
      this.problem = { code: "ipc", message: this.#failed, action: null };
    }
    this.deciding = this.deciding.filter((other) => other !== id);
  }
}
