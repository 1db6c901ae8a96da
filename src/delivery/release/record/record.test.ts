import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReleaseStatus } from '../objects.ts'
import { noted, turn } from './record.ts'

const start: ReleaseStatus = {
  attempt: 1,
  phase: 'Progressing',
  reason: 'Progressing',
  message: '',
  step: 0,
  weight: 10,
  phaseSince: '',
  history: [],
}
const lines = ({ history }: ReleaseStatus): readonly string[] => history.map(({ phase, message }) => `${phase} ${message}`)

test('a judgement is told once for each moment, with what follows from it', () => {
  const judged = noted({ ...start, verdict: 'NotEnoughEvidence' }, 0, 'NotEnoughEvidence: 3 requests')
  assert.deepEqual(lines(noted(judged, 10, '3 requests')), ['Progressing NotEnoughEvidence: 3 requests'])
  const worse = noted({ ...judged, verdict: 'Worse' }, 5000, 'Worse: 9 requests')
  assert.deepEqual(lines(turn(worse, 5000, 'RollingBack', 'Worse', 'the new version is worse: 9 requests')), [
    'Progressing NotEnoughEvidence: 3 requests',
    'RollingBack the new version is worse: 9 requests',
  ])
  // At another time it is news that it is still so.
  assert.equal(noted(judged, 60_000, 'waits for somebody: 3 requests').history.length, 2)
})
