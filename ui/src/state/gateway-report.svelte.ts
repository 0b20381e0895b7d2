/** What the gateway said of itself last. */
import type { GatewayReportView } from "../ipc";

export class GatewayReportState {
  /** `null` while nothing is known. */
  view = $state.raw<GatewayReportView | null>(null);

  receive(view: GatewayReportView | null): void {
    this.view = view;
  }
}
