import type { GoStruct } from '../../meta/go-struct.ts'

/** How updates go, as refusals show it. */
export const SHOWN_STATEFUL_SET_ROLLING: GoStruct = [
  ['Partition', 'partition', 0],
  ['MaxUnavailable', 'maxUnavailable'],
]
export const SHOWN_STATEFUL_SET_STRATEGY = strategyWith(SHOWN_STATEFUL_SET_ROLLING)

const ROLLING: GoStruct = [
  ['MaxUnavailable', 'maxUnavailable', 0],
  ['MaxSurge', 'maxSurge', 0],
]
export const SHOWN_DEPLOYMENT_STRATEGY = strategyWith(ROLLING)
export const SHOWN_DAEMON_SET_STRATEGY = strategyWith(ROLLING)

function strategyWith(rolling: GoStruct): GoStruct {
  return [
    ['Type', 'type', ''],
    ['RollingUpdate', 'rollingUpdate', null, rolling],
  ]
}
