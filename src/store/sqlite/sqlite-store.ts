import type { Scope } from '#base'
import type { Engine } from '../engine.ts'
import { MvccEngine } from '../mvcc/mvcc-engine.ts'
import { openFile } from './open-file.ts'
import { SqliteDisk } from './sqlite-disk.ts'

export interface SqliteStoreOptions {
  /** The file; its directory is made when it is missing. */
  readonly path: string
  /** Values written or read last that are kept in memory. Default: 16 MiB. */
  readonly recentBytes?: number
  /** Length of the write-ahead log at which it is carried over to the file. Default: 8 MiB. */
  readonly checkpointBytes?: number
  /** Writes that would make the file longer than this are refused with `StoreFailed`. Default: only the disk limits it. */
  readonly maxFileBytes?: number
}

const MIB = 2 ** 20

/**
 * Opens a file for this process alone. Rejects with a `UserError` for a file in use, of another program, or of a newer version.
 * `scope` gives the clock and the log; the store lives until it is closed.
 */
export async function openSqliteStore(scope: Scope, options: SqliteStoreOptions): Promise<Engine> {
  scope.check()
  const { path, recentBytes = 16 * MIB, checkpointBytes = 8 * MIB, maxFileBytes } = options
  const database = openFile(path, { checkpointBytes, maxFileBytes })
  try {
    return new MvccEngine(scope, new SqliteDisk(database, path), recentBytes)
  } catch (error) {
    database.close()
    throw error
  }
}
