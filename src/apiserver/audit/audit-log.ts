import { appendFileSync, closeSync, openSync, readdirSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Scope } from '#base'
import type { AuditSink } from './audit-record.ts'

export interface AuditLogOptions {
  /** `-` is standard output. */
  readonly path: string
  /** A file that would become larger than this is put aside first; 0: never. */
  readonly maxBytes: number
  /** Files put aside that are kept; 0: all. */
  readonly maxBackups: number
  /** Files put aside that are older are removed; 0: none. */
  readonly maxAgeMs: number
}

/** A log is written at the latest so long after the event. */
const FLUSH_MS = 50
const FLUSH_BYTES = 64 << 10

/** Events as lines of JSON in a file, which is put aside when it is large. Lines wait a moment for each other; `close` writes them. */
export class AuditLog implements AuditSink {
  readonly #scope: Scope
  readonly #options: AuditLogOptions
  #file: number | undefined
  #size = 0
  #waiting: string[] = []
  #waitingBytes = 0
  #isPlanned = false

  constructor(scope: Scope, options: AuditLogOptions) {
    this.#scope = scope
    this.#options = options
    if (options.path !== '-') this.#open()
  }

  write(event: object): void {
    const line = `${JSON.stringify(event)}\n`
    this.#waiting.push(line)
    this.#waitingBytes += line.length
    if (this.#waitingBytes >= FLUSH_BYTES) this.#flush()
    else if (!this.#isPlanned) {
      this.#isPlanned = true
      this.#scope.sleep(FLUSH_MS).then(
        () => this.#flush(),
        () => this.#flush(),
      )
    }
  }

  async close(): Promise<void> {
    this.#flush()
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #flush(): void {
    this.#isPlanned = false
    if (this.#waiting.length === 0) return
    const text = this.#waiting.join('')
    this.#waiting = []
    this.#waitingBytes = 0
    try {
      if (this.#options.path === '-') appendFileSync('/dev/stdout', text)
      else this.#append(Buffer.from(text))
    } catch (error) {
      this.#scope.log.error('the audit log cannot be written', { error, path: this.#options.path })
    }
  }

  #append(bytes: Uint8Array): void {
    const { maxBytes } = this.#options
    if (maxBytes > 0 && this.#size > 0 && this.#size + bytes.length > maxBytes) this.#rotate()
    if (this.#file === undefined) this.#open()
    if (this.#file !== undefined) this.#size += writeSync(this.#file, bytes)
  }

  #open(): void {
    this.#file = openSync(this.#options.path, 'a', 0o600)
    this.#size = statSync(this.#options.path).size
  }

  #rotate(): void {
    const { path, maxBackups, maxAgeMs } = this.#options
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    const now = this.#scope.clock.now()
    const stamp = new Date(now).toISOString().replaceAll(':', '-').replace('Z', '')
    renameSync(path, join(dirname(path), `${stem(path)}-${stamp}${extension(path)}`))
    this.#open()
    const aside = backupsOf(path)
    const old = maxAgeMs > 0 ? aside.filter((file) => statSync(file).mtimeMs < now - maxAgeMs) : []
    const surplus = maxBackups > 0 ? aside.slice(0, Math.max(0, aside.length - maxBackups)) : []
    for (const file of new Set([...old, ...surplus])) rmSync(file, { force: true })
  }
}

const extension = (path: string): string => /\.[^./]+$/.exec(basename(path))?.[0] ?? ''
const stem = (path: string): string => basename(path).slice(0, basename(path).length - extension(path).length)

/** Oldest first. */
function backupsOf(path: string): string[] {
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${stem(path)}-2`) && name.endsWith(extension(path)))
    .sort()
    .map((name) => join(dirname(path), name))
}
