/** How a conversation becomes rows; [reduce](./reduce.ts) tells how. */
export { type TimelineInput, reduce } from "./reduce";
export { type Ending, type Row, type Step, rows } from "./rows";
export {
  type Retry,
  type SendState,
  type Timeline,
  activeRuns,
  emptyTimeline,
  queuedCount,
} from "./timeline";
