import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { rootScope } from '#base'
import { type LogOptions, readLog } from './log-file.ts'

describe("reading a container's log", () => {
  let dir: string
  let path: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'log-'))
    path = join(dir, '0.log')
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))
  const all: LogOptions = {
    tailLines: undefined,
    sinceMs: undefined,
    timestamps: false,
    limitBytes: undefined,
    follow: false,
    stream: 'All',
  }
  const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000001Z`
  const read = async (options: Partial<LogOptions>, ended = () => true): Promise<string> => {
    const chunks: Uint8Array[] = []
    for await (const chunk of readLog(rootScope(), path, { ...all, ...options }, ended)) chunks.push(chunk)
    return Buffer.concat(chunks).toString('utf8')
  }
  const sample = (): void =>
    writeFileSync(
      path,
      [
        `${at(1)} stdout F one`,
        `${at(2)} stderr F two`,
        `${at(3)} stdout P thr`,
        `${at(3)} stdout F ee`,
        `${at(4)} stdout F four`,
        '',
      ].join('\n'),
    )

  const cases: readonly [what: string, options: Partial<LogOptions>, text: string][] = [
    ['everything, parts joined', {}, 'one\ntwo\nthree\nfour\n'],
    ['one stream', { stream: 'Stderr' }, 'two\n'],
    ['the last lines', { tailLines: 1 }, 'four\n'],
    ['no lines', { tailLines: 0 }, ''],
    ['more lines than there are', { tailLines: 99 }, 'one\ntwo\nthree\nfour\n'],
    ['what came since', { sinceMs: Date.parse('2026-01-01T00:00:03Z') }, 'three\nfour\n'],
    ['with times', { tailLines: 1, timestamps: true }, `${at(4)} four\n`],
    ['so many bytes', { limitBytes: 5 }, 'one\nt'],
  ]
  for (const [what, options, text] of cases) {
    test(what, async () => {
      sample()
      assert.equal(await read(options), text)
    })
  }

  test('a long file from its end', async () => {
    writeFileSync(path, Array.from({ length: 20_000 }, (_, line) => `${at(1)} stdout F line ${line}\n`).join(''))
    assert.equal(await read({ tailLines: 2 }), 'line 19998\nline 19999\n')
  })

  test('follows over a rotation until the container has ended', async () => {
    sample()
    let ended = false
    const seen: string[] = []
    for await (const chunk of readLog(rootScope(), path, { ...all, follow: true }, () => ended)) {
      seen.push(Buffer.from(chunk).toString('utf8'))
      if (seen.length === 1) {
        appendFileSync(path, `${at(5)} stdout F five\n`)
        renameSync(path, `${path}.aside`)
        writeFileSync(path, `${at(6)} stdout F six\n`)
      }
      if (seen.join('').endsWith('six\n')) ended = true
    }
    assert.equal(seen.join(''), 'one\ntwo\nthree\nfour\nfive\nsix\n')
  })
})
