import type { Scope } from '#base'
import type { Engine } from '../engine.ts'
import { MvccEngine } from '../mvcc/mvcc-engine.ts'
import { openFile } from './open-file.ts'
import { SqliteDisk, type SyncFile } from './sqlite-disk.ts'

export interface SqliteStoreOptions {
  /** The file; its directory is made when it is missing. */
  readonly path: string
  /** Values written or read last that are kept in memory. Default: 2 MiB. */
  readonly recentBytes?: number
  /** Length of the write-ahead log at which it is carried over to the file, while writes wait. Default: 2 MiB. */
  readonly checkpointBytes?: number
  /** Writes that would make the file longer than this are refused with `StoreFailed`. Default: only the disk limits it. */
  readonly maxFileBytes?: number
}

const MIB = 2 ** 20

/**
 * Opens a file for this process alone. Rejects with a `UserError` for a file in use, of another program, or of a newer version.
 * `scope` gives the clock and the log; the store lives until it is closed. `sync` is another's way to make a file durable, for tests.
 */
export async function openSqliteStore(scope: Scope, options: SqliteStoreOptions, sync?: SyncFile): Promise<Engine> {
  scope.check()
  const { path, recentBytes = 2 * MIB, checkpointBytes = 2 * MIB, maxFileBytes } = options
  const disk = new SqliteDisk(openFile(path, { emptyLogBytes: 2 * checkpointBytes, maxFileBytes }), checkpointBytes, sync)
  try {
    return new MvccEngine(scope, disk, recentBytes)
  } catch (error) {
    disk.close()
    throw error
  }
}
