import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { readArea } from './corpus.ts'
import { type Verdict, readOpen } from './open.ts'
import type { Outcome } from './outcome.ts'
import { describeOutcome, verdict } from './replay.ts'
import { type TestServer, startTestServer } from './server.ts'

/** Every recorded behaviour of controllers and scheduler against ours. Scenarios wait for outcomes, so all topics run side by side. */
const JOBS = 12

describe('controllers and scheduler behave as those of Kubernetes 1.36', () => {
  let server: TestServer
  let found: Verdict
  const topics = readArea('behave')
  before(async () => {
    server = await startTestServer('server')
    found = await verdict(server.target, topics, { jobs: JOBS, behaviour: true }, readOpen())
  })
  after(() => server[Symbol.asyncDispose]())

  for (const topic of topics)
    it(topic.name, () => {
      const here = ({ topic: name }: Outcome): boolean => name === topic.name
      assert.equal(
        found.broken
          .filter(here)
          .map((outcome) => describeOutcome(outcome))
          .join('\n'),
        '',
        'not as recorded',
      )
      assert.equal(
        found.stale
          .filter(here)
          .map((outcome) => outcome.scenario)
          .join('\n'),
        '',
        'passes now: take it off test/parity/open.json',
      )
    })
})
