import type { OrderedKey } from './keys.ts'

/** One write of one key. The versions of a key form a list from the newest to the oldest one that is still needed. */
export interface Version {
  readonly record: KeyRecord
  /** Where the engine keeps the value; unique, and rising in the order of the writes. */
  readonly row: number
  readonly revision: number
  /** 0 for a deletion, as `version`. */
  readonly createRevision: number
  readonly version: number
  /** 0: no lease. */
  readonly lease: number
  readonly deleted: boolean
  /** The value while it is in memory; absent, it is read from the engine's disk. */
  value: Uint8Array | undefined
  older: Version | undefined
}

/** A key with everything that is known of it. It stays in the index until its deletion has been compacted. */
export interface KeyRecord {
  readonly key: OrderedKey
  newest: Version | undefined
  /** The part of the index that holds this record. */
  leaf: Leaf
}

/** A run of neighbouring keys of the index, with what is needed to count them without looking at each. */
export interface Leaf {
  readonly records: KeyRecord[]
  /** Records whose newest version is not a deletion. */
  live: number
  /** No version in this leaf is newer. */
  newestRevision: number
}

export function isLive(version: Version | undefined): version is Version {
  return version !== undefined && !version.deleted
}

/** What the key was at a revision; a deletion counts as a version. */
export function versionAt(record: KeyRecord, revision: number): Version | undefined {
  let version = record.newest
  while (version !== undefined && version.revision > revision) version = version.older
  return version
}
