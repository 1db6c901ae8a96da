import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { UserError, messageOf } from '#base'
import { APPLICATION_ID, CREATE_SCHEMA, SCHEMA_VERSION } from './schema.ts'

export interface FileOptions {
  /** What the write-ahead log may keep of the disk when it is empty. */
  readonly emptyLogBytes: number
  readonly maxFileBytes: number | undefined
}

export interface OpenFile {
  readonly database: DatabaseSync
  readonly path: string
  /** Descriptors of the file and of its write-ahead log. Whoever closes `file` first gives up the locks of `database`. */
  readonly file: number
  readonly log: number
}

/** Small, so that what is deleted leaves room that can be used: values of all usual lengths then fill at least half of the file. */
export const PAGE_BYTES = 2048
const SQLITE_BUSY = 5
const SQLITE_NOTADB = 26

/** Opens the file for this process alone, making it when there is none. Throws a `UserError` for a file that is not ours, or in use. */
export function openFile(path: string, options: FileOptions): OpenFile {
  createPrivately(path)
  const database = new DatabaseSync(path)
  try {
    prepare(database, path, options)
    return { database, path, file: openSync(path, 'r+'), log: openLog(path) }
  } catch (error) {
    database.close()
    const code = primaryCode(error)
    if (code === SQLITE_BUSY) throw new UserError(`${path} is in use by another process`, 'stop that process, or choose another file')
    if (code === SQLITE_NOTADB) throw notOurs(path)
    throw error
  }
}

function prepare(database: DatabaseSync, path: string, options: FileOptions): void {
  // Before anything is read: the lock is then taken with the first access, and kept.
  database.exec('PRAGMA locking_mode = EXCLUSIVE')
  const tables = readNumber(database, 'SELECT count(*) FROM sqlite_schema')
  const isNew = tables === 0 && readNumber(database, 'PRAGMA application_id') === 0 && readNumber(database, 'PRAGMA user_version') === 0
  if (isNew) database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA auto_vacuum = INCREMENTAL`)
  else checkIdentity(database, path)
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = ${options.emptyLogBytes};
    PRAGMA cache_size = -4096;
    PRAGMA temp_store = MEMORY;
  `)
  // In one transaction, so that a crash leaves a file that is new or complete.
  if (isNew) database.exec(`BEGIN EXCLUSIVE; ${CREATE_SCHEMA} COMMIT`)
  else database.exec('BEGIN EXCLUSIVE; COMMIT')
  if (options.maxFileBytes !== undefined) database.exec(`PRAGMA max_page_count = ${Math.ceil(options.maxFileBytes / PAGE_BYTES)}`)
}

function checkIdentity(database: DatabaseSync, path: string): void {
  if (readNumber(database, 'PRAGMA application_id') !== APPLICATION_ID) throw notOurs(path)
  const version = readNumber(database, 'PRAGMA user_version')
  if (version <= SCHEMA_VERSION) return
  throw new UserError(
    `${path} was written by a newer version (its format is ${version}, this version reads up to ${SCHEMA_VERSION})`,
    'run the newer version, or choose another file',
  )
}

function notOurs(path: string): UserError {
  return new UserError(`${path} is the file of another program`, 'choose another file; this one has not been changed')
}

/** Readable by its owner only. SQLite gives its other files the same mode. */
function createPrivately(path: string): void {
  const directory = dirname(path)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  try {
    // Only when there is no file: closing any other descriptor of it would drop the locks that this process has on it.
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return
    throw new UserError(`${path} cannot be made: ${messageOf(error)}`)
  }
  syncDirectory(directory)
}

/** What an earlier process has left in the log without having made sure of it is read by this one, so it must be there to stay. */
function openLog(path: string): number {
  const log = openSync(`${path}-wal`, 'r+')
  fdatasyncSync(log)
  syncDirectory(dirname(path))
  return log
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

export function readNumber(database: DatabaseSync, sql: string): number {
  const row = database.prepare(sql).get()
  return Number(row === undefined ? 0 : Object.values(row)[0])
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined
  return error.errcode & 0xff
}
