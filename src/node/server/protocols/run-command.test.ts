import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { test } from 'node:test'
import type { RemoteProcess } from '#client'
import type { CallerStreams } from './caller-streams.ts'
import { runCommand } from './run-command.ts'

test('a process that was over before the caller was there is told as any other', { timeout: 5000 }, async () => {
  const stdout = new PassThrough()
  stdout.end('done')
  // As a stream is whose connection ended without its end, when nothing waits in it.
  const stderr = new PassThrough()
  stderr.on('error', () => undefined).destroy(new Error('the connection was closed'))
  await new Promise((resolve) => setImmediate(resolve))
  const process: RemoteProcess = {
    stdin: undefined,
    stdout,
    stderr,
    resize: () => undefined,
    result: Promise.resolve({ exitCode: 0 }) as unknown as RemoteProcess['result'],
    close: () => undefined,
  }
  const written: string[] = []
  let finished = false
  const sink = (): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, next) {
        written.push(chunk.toString())
        next()
      },
    })
  const caller: CallerStreams = {
    stdin: undefined,
    stdout: sink(),
    stderr: sink(),
    onResize: () => undefined,
    closed: new Promise(() => undefined),
    finish: async () => {
      finished = true
    },
  }
  await runCommand(caller, process)
  assert.deepEqual([written, finished], [['done'], true])
})
