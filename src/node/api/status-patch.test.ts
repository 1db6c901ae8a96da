import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { core } from '#api'
import { statusPatch } from './status-patch.ts'

const owned = new Set(['reason', 'message'])
const ready = (status: string, extra: Partial<core.PodCondition> = {}): core.PodCondition => ({ type: 'Ready', status, ...extra })
const cases: readonly [what: string, told: core.PodStatus, now: core.PodStatus, patch: unknown][] = [
  ['nothing to say', { phase: 'Running', startTime: 't' }, { phase: 'Running' }, undefined],
  ['a field that changed', { phase: 'Pending' }, { phase: 'Running' }, { phase: 'Running' }],
  ['null and absent are the same', { conditions: [ready('True', { lastProbeTime: null })] }, { conditions: [ready('True')] }, undefined],
  [
    'only the condition that changed',
    { conditions: [ready('False'), { type: 'Mine', status: 'True' }] },
    { conditions: [ready('True'), { type: 'Mine', status: 'True' }] },
    { conditions: [ready('True')] },
  ],
  [
    'what a condition lost is named',
    { conditions: [ready('False', { reason: 'No', message: 'm' })] },
    { conditions: [ready('True')] },
    { conditions: [{ reason: null, message: null, type: 'Ready', status: 'True' }] },
  ],
  [
    'the condition of a resize that is over is deleted',
    { conditions: [{ type: 'PodResizeInProgress', status: 'True' }] },
    { conditions: [] },
    { conditions: [{ $patch: 'delete', type: 'PodResizeInProgress' }] },
  ],
  ['conditions of others stay', { conditions: [{ type: 'Other', status: 'True' }] }, { conditions: [] }, undefined],
  [
    'an address that is gone is deleted',
    { podIPs: [{ ip: '1' }] },
    { podIPs: [{ ip: '2' }] },
    { podIPs: [{ ip: '2' }, { $patch: 'delete', ip: '1' }] },
  ],
  ['a reason that no longer holds is removed', { reason: 'Evicted' }, {}, { reason: null }],
  ['a field of somebody else stays', { nominatedNodeName: 'n' }, {}, undefined],
]
for (const [what, told, now, patch] of cases) test(what, () => assert.deepEqual(statusPatch(told, now, owned), patch))
