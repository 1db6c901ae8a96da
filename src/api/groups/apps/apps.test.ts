import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DaemonSet, Deployment, StatefulSet } from '../../types/apps-v1.gen.ts'
import { changeRefusals, created, refusals } from '../refusals.fixture.ts'
import { controllerRevisions } from './controller-revision.ts'
import { daemonSets } from './daemon-set.ts'
import { deployments } from './deployment.ts'
import { statefulSets } from './stateful-set.ts'

const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'a', image: 'nginx:1' }] } }
const selector = { matchLabels: { app: 'x' } }
const metadata = { name: 'w', namespace: 'n' }

describe('Deployment', () => {
  const deployment = (spec: Partial<Deployment['spec']> = {}): Deployment => ({ metadata, spec: { selector, template, ...spec } })

  it('fills in how pods are replaced', () => {
    const { spec } = created(deployments, deployment())
    assert.equal(spec?.replicas, 1)
    assert.deepEqual(spec?.strategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } })
    assert.equal(spec?.progressDeadlineSeconds, 600)
  })

  const cases: readonly (readonly [name: string, spec: Partial<Deployment['spec']>, refused: readonly string[]])[] = [
    ['a good one', {}, []],
    [
      'a selector that finds other pods',
      { selector: { matchLabels: { app: 'y' } } },
      ['spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`'],
    ],
    [
      'no pods that may be missing or too many',
      { strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: '0%' } } },
      ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0'],
    ],
    [
      'a deadline before readiness counts',
      { minReadySeconds: 700 },
      ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds'],
    ],
  ]
  for (const [name, spec, refused] of cases) it(`checks ${name}`, () => assert.deepEqual(refusals(deployments, deployment(spec)), refused))

  it('looks at nothing below a selector that cannot be used', () => {
    const broken = { matchExpressions: [{ key: 'app', operator: 'Exists', values: ['x'] }] }
    assert.deepEqual(refusals(deployments, deployment({ selector: broken, template: {} })), [
      "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      `spec.selector: Invalid value: ${JSON.stringify(broken)}: invalid label selector`,
    ])
  })

  it('keeps its selector', () => {
    const refused = changeRefusals(
      deployments,
      deployment({ template: { ...template, metadata: { labels: { app: 'x', b: 'c' } } } }),
      (draft) => {
        if (draft.spec) draft.spec.selector = { matchLabels: { b: 'c' } }
      },
    )
    assert.deepEqual(refused, ['spec.selector: Invalid value: {"matchLabels":{"b":"c"}}: field is immutable'])
  })
})

describe('DaemonSet', () => {
  const daemonSet: DaemonSet = { metadata, spec: { selector, template } }
  const generationOf = (object: DaemonSet): string | undefined => object.metadata?.annotations?.['deprecated.daemonset.template.generation']

  it('counts the changes of its template, whatever a client says', () => {
    const old = created(daemonSets, daemonSet)
    assert.equal(generationOf(old), '1')
    const draft = structuredClone(old)
    if (draft.spec) draft.spec.template = { ...template, metadata: { labels: { app: 'x', b: 'c' } } }
    draft.metadata = { ...draft.metadata, annotations: {} }
    daemonSets.strategy.prepareForUpdate?.(draft, old, '2026-01-01T00:00:00Z')
    assert.equal(generationOf(draft), '2')
  })

  it('takes either a surge or missing pods', () => {
    const both = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } }
    assert.deepEqual(refusals(daemonSets, { metadata, spec: { selector, template, updateStrategy: both } }), [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ])
  })
})

describe('StatefulSet', () => {
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }
  const mounted = { ...template, spec: { containers: [{ name: 'a', image: 'i', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] } }
  const statefulSet: StatefulSet = { metadata, spec: { selector, template: mounted, volumeClaimTemplates: [claim] } }

  it('gives its pods their host and subdomain, whatever the template says', () => {
    const named = { ...template, spec: { ...template.spec, hostname: 'No!', subdomain: 'No!' } }
    assert.deepEqual(refusals(statefulSets, { ...statefulSet, spec: { ...statefulSet.spec, template: named } } as StatefulSet), [])
  })

  it('shows a strategy as it is in memory', () => {
    const updated = (updateStrategy: object) =>
      refusals(statefulSets, { ...statefulSet, spec: { ...statefulSet.spec, updateStrategy } } as StatefulSet)
    assert.deepEqual(updated({ type: 'Odd' }), [
      `spec.updateStrategy: Invalid value: {"Type":"Odd","RollingUpdate":null}: must be 'RollingUpdate' or 'OnDelete'`,
    ])
    assert.deepEqual(updated({ type: 'OnDelete', rollingUpdate: {} }), [
      `spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":0,"MaxUnavailable":null}: only allowed for updateStrategy 'RollingUpdate'`,
    ])
  })

  it('has a volume for each claim', () => assert.deepEqual(refusals(statefulSets, statefulSet), []))

  it('makes whole claims of its templates', () => {
    const [stored] = created(statefulSets, statefulSet).spec?.volumeClaimTemplates ?? []
    assert.equal(stored?.kind, 'PersistentVolumeClaim')
    assert.equal(stored?.spec?.volumeMode, 'Filesystem')
  })

  it('changes only in what can be rolled out', () => {
    assert.deepEqual(
      changeRefusals(statefulSets, statefulSet, (draft) => {
        if (draft.spec) draft.spec.replicas = 5
      }),
      [],
    )
    const [refused = ''] = changeRefusals(statefulSets, statefulSet, (draft) => {
      if (draft.spec) draft.spec.serviceName = 'other'
    })
    assert.match(refused, /^spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals',/)
  })
})

describe('ControllerRevision', () => {
  it('holds an object', () => {
    assert.deepEqual(refusals(controllerRevisions, { metadata, revision: 1 }), ['data: Required value: data is mandatory'])
    assert.deepEqual(refusals(controllerRevisions, { metadata, revision: -1, data: {} }), [
      'revision: Invalid value: -1: must be greater than or equal to 0',
    ])
  })
})
