import type { AnalysisStatus, Counted, ReleaseStatus } from './objects.ts'
import { noted } from './record/record.ts'
import { type Judgement, judge, lookAt } from './verdict/judge.ts'
import { beginWindow, growWindow } from './window.ts'
import type { World } from './world.ts'

/** The status with what has been counted since, and a verdict where there was enough for another look. */
export function lookFor({ release, reading }: World, status: ReleaseStatus, nowMs: number): ReleaseStatus {
  const { analysis: rules } = release.spec
  // Who cannot see concludes nothing; what was seen stays.
  if (rules === undefined || reading === undefined || 'blind' in reading) return status
  if (status.analysis?.step !== status.step) return { ...status, analysis: beginWindow(status.step, reading) }
  const window = growWindow(status.analysis, reading)
  const control = status.isStableBroken === true ? answersNothing(window.next) : window.control
  const known = window.judgement
  const look = lookAt(Math.min(window.next.requests, control.requests), rules.minimumRequests)
  // What a look has found holds until the next one: looking in between would be looking more often than was said.
  if (known !== undefined && known.look === look && look > 0) return { ...status, analysis: window }
  const judgeBeside = (beside: Counted): Judgement =>
    judge(window.next, beside, reading.bounds, {
      minimumRequests: rules.minimumRequests,
      confidence: rules.confidence,
      errorTolerance: rules.errorTolerance,
      latencyQuantile: status.isStableBroken === true ? undefined : rules.latencyQuantile,
      latencyTolerance: rules.latencyTolerance,
    })
  const judgement =
    status.isStableBroken === true ? mends(judgeBeside(control), judgeBeside(answersAll(window.next))) : judgeBeside(control)
  const judged: AnalysisStatus = { ...window, judgement }
  const now: ReleaseStatus = { ...status, analysis: judged, verdict: judgement.verdict }
  return status.verdict === judgement.verdict ? now : noted(now, nowMs, `${judgement.verdict}: ${judgement.message}`)
}

/** A version of which no pod serves would have answered none of as many requests. */
const answersNothing = ({ requests }: Counted): Counted => ({ requests, errors: requests, buckets: [] })
const answersAll = ({ requests }: Counted): Counted => ({ requests, errors: 0, buckets: [] })

/**
 * Beside a version that answers nothing, every other one is better, were it to answer one request in ten. So one that certainly has errors out of tolerance itself is
 * for a person to decide on: perhaps the present version is not as broken as it looked.
 */
const mends = (besideNothing: Judgement, besideAll: Judgement): Judgement =>
  besideAll.verdict === 'Worse'
    ? {
        ...besideNothing,
        verdict: 'NotEnoughEvidence',
        message: `${besideNothing.message}; it has too many errors itself to go on without somebody who says so`,
      }
    : besideNothing
