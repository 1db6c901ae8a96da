import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { type Random, readFileIfThere, writePrivateFile } from '#base'
import type { Session } from './session.ts'

/** Sessions that were ended before their time, until then. The oldest make room. */
const MOST_ENDED = 10_000
const LINE = /^([A-Za-z0-9_-]{22}) (\d{1,12})$/

/** Which sessions were logged out. It is told to the next gateway over the same folder: a cookie that somebody has kept is no good there either. */
export class EndedSessions {
  readonly #path: string
  readonly #random: Random
  /** By the session's id: when it would have ended. */
  readonly #ends = new Map<string, number>()
  #lines = 0

  constructor(path: string, random: Random, nowSeconds: number) {
    this.#path = path
    this.#random = random
    for (const line of (readFileIfThere(path) ?? '').split('\n')) {
      const [, id, ends] = LINE.exec(line) ?? []
      if (id !== undefined && Number(ends) > nowSeconds) this.#ends.set(id, Number(ends))
    }
    this.#makeRoom(nowSeconds)
    if (this.#ends.size > 0) this.#writeAll()
  }

  has(id: string): boolean {
    return this.#ends.has(id)
  }

  /** When it returns, the session stays ended whatever becomes of this process. It is ended for this process even when it throws. */
  end({ id, endsSeconds }: Pick<Session, 'id' | 'endsSeconds'>, nowSeconds: number): void {
    this.#ends.set(id, Math.ceil(endsSeconds))
    this.#makeRoom(nowSeconds)
    if (this.#lines >= 2 * MOST_ENDED) return this.#writeAll()
    const file = openSync(this.#path, 'a', 0o600)
    try {
      writeSync(file, `${id} ${Math.ceil(endsSeconds)}\n`)
      fdatasyncSync(file)
    } finally {
      closeSync(file)
    }
    this.#lines++
  }

  #makeRoom(nowSeconds: number): void {
    for (const [one, ends] of this.#ends) {
      if (ends > nowSeconds && this.#ends.size <= MOST_ENDED) break
      this.#ends.delete(one)
    }
  }

  #writeAll(): void {
    writePrivateFile(this.#random, this.#path, [...this.#ends].map(([id, ends]) => `${id} ${ends}\n`).join(''))
    this.#lines = this.#ends.size
  }
}
