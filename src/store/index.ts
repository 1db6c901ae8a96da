export type {
  CommitResult,
  Compare,
  Engine,
  EngineStats,
  KeyValue,
  LeaseId,
  Operation,
  RangeQuery,
  RangeResult,
  StoreEvent,
  Transaction,
  WatchCallbacks,
  WatchQuery,
} from './engine.ts'
export { Compacted, FutureRevision, LeaseNotFound, StoreClosed, StoreFailed } from './errors.ts'
