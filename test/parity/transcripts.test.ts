import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { bundledKubectl } from '#main'
import { type TestServer, startTestServer } from './server.ts'
import { readTranscripts, replaySession, sessionsOf } from './transcripts.ts'

/** Everything that people read through kubectl 1.35: its output against our server is what it prints against kube-apiserver. */
describe('kubectl prints what it prints with kube-apiserver 1.36', { concurrency: 4 }, () => {
  let server: TestServer
  let folder: string
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sampan-kubectl-'))
    // Its messages name the program as it was called.
    symlinkSync(bundledKubectl(folder), join(folder, 'kubectl'))
    server = await startTestServer('apiserver')
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const group of readTranscripts())
    for (const [session, transcripts] of sessionsOf(group))
      it(`${group.group}: ${session}`, async () => {
        const wrong = await replaySession(join(folder, 'kubectl'), server.target, transcripts)
        assert.equal(wrong.join('\n'), '', 'not as recorded')
      })
})
