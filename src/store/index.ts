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
export { type CompactionOptions, startCompaction } from './compaction.ts'
export { type Cipher, type CipherKey, IDENTITY, aesCbc, aesGcm } from './encryption/ciphers.ts'
export { openKmsCipher, openSecretBox } from './encryption/rare-ciphers.ts'
export { EncryptedStore, type EncryptionRule } from './encryption/encrypted-store.ts'
export { TransformationMetrics } from './encryption/transformations.ts'
export { Compacted, FutureRevision, StoreFailed, LeaseNotFound, StoreUnavailable, StoreUncertain } from './errors.ts'
export { openEtcdStore } from './etcd/etcd-store.ts'
export type { EtcdTarget } from './etcd/members.ts'
export { unfitEtcd } from './etcd/versions.ts'
export { openMemoryStore } from './memory/memory-store.ts'
export { type SqliteStoreOptions, openSqliteStore } from './sqlite/sqlite-store.ts'
export { TranslatedStore } from './translated-store.ts'
