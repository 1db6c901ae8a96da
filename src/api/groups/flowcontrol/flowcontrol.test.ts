import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeRefusals, created, refusals } from '../refusals.fixture.ts'
import { bootstrapFlowControl } from './bootstrap.ts'
import { flowSchemas } from './flow-schema.ts'
import { priorityLevelConfigurations } from './priority-level.ts'

test('every default object is accepted as it is, and what is mandatory cannot be changed', () => {
  for (const { flowSchemas: schemas, priorityLevels } of [bootstrapFlowControl.mandatory(), bootstrapFlowControl.suggested()]) {
    for (const schema of schemas) assert.deepEqual(refusals(flowSchemas, schema), [], JSON.stringify(schema))
    for (const level of priorityLevels) assert.deepEqual(refusals(priorityLevelConfigurations, level), [], JSON.stringify(level))
  }
  const [exempt] = bootstrapFlowControl.mandatory().flowSchemas
  assert.ok(exempt !== undefined)
  const [refused = ''] = changeRefusals(flowSchemas, exempt, ({ spec }) => {
    if (spec !== undefined) spec.matchingPrecedence = 2
  })
  assert.match(refused, /^spec: Invalid value: .*: spec of 'exempt' must equal the fixed value$/)
})

test('a level for nobody else may lend, and only the exempt one is exempt', () => {
  const exempt = bootstrapFlowControl.mandatory().priorityLevels.find(({ metadata }) => metadata?.name === 'exempt')
  assert.ok(exempt !== undefined)
  const lent = changeRefusals(priorityLevelConfigurations, exempt, ({ spec }) => {
    if (spec?.exempt !== undefined) spec.exempt.lendablePercent = 50
  })
  assert.deepEqual(lent, [])
  assert.deepEqual(refusals(priorityLevelConfigurations, { metadata: { name: 'mine' }, spec: { type: 'Exempt' } }), [
    "spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'",
  ])
})

test('what a level leaves out is filled in', () => {
  const level = created(priorityLevelConfigurations, {
    metadata: { name: 'mine' },
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Queue', queuing: {} } } },
  })
  assert.deepEqual(level.spec?.limited, {
    nominalConcurrencyShares: 30,
    lendablePercent: 0,
    limitResponse: { type: 'Queue', queuing: { handSize: 8, queues: 64, queueLengthLimit: 50 } },
  })
})

test('rules that match nothing, or more than they say, are refused with all causes', () => {
  const refused = refusals(flowSchemas, {
    metadata: { name: 'mine' },
    spec: {
      priorityLevelConfiguration: { name: 'system' },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: '' }, group: { name: 'g' } }],
          resourceRules: [{ verbs: ['*', 'get'], apiGroups: [], resources: ['pods'] }],
          nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/a*', '/a/*'] }],
        },
      ],
    },
  })
  assert.deepEqual(refused, [
    'spec.rules[0].subjects[0].user.name: Required value',
    "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
    'spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must not specify other verbs',
    'spec.rules[0].resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group',
    'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
    'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching',
  ])
})
