import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pods } from '../groups/core/pod.ts'
import type { FieldErrors } from '../meta/field-error.ts'
import { Path } from '../meta/path.ts'
import type * as core from '../types/core-v1.gen.ts'
import { summarisePod } from './columns.ts'
import { podTemplateWarnings } from './warnings/warnings.ts'

type Change = (spec: core.PodSpec, pod: core.Pod) => void

function podWith(change: Change = () => {}): core.Pod {
  const spec: core.PodSpec = { containers: [{ name: 'a', image: 'nginx:1.25' }], serviceAccountName: 'default' }
  const pod: core.Pod = { metadata: { name: 'p', namespace: 'n', creationTimestamp: '2026-01-01T00:00:00Z', resourceVersion: '1' }, spec }
  change(spec, pod)
  pods.strategy.defaults?.(pod)
  return pod
}

const container = (spec: core.PodSpec): core.Container => spec.containers[0] as core.Container
const lines = (errors: FieldErrors): string[] => errors.map(({ field, message }) => `${field}: ${message.split(' (e.g.')[0]}`)

function refusals(change: Change): string[] {
  const errors: FieldErrors = []
  pods.strategy.validate?.(podWith(change), errors)
  return lines(errors)
}

function updateRefusals(change: Change, before: Change = () => {}): string[] {
  const errors: FieldErrors = []
  const old = podWith(before)
  const pod = structuredClone(old)
  change(pod.spec as core.PodSpec, pod)
  pods.strategy.defaults?.(pod)
  pods.strategy.validateUpdate?.(pod, old, errors)
  return lines(errors)
}

const CREATION: readonly (readonly [name: string, change: Change, expected: readonly string[]])[] = [
  ['a plain pod', () => {}, []],
  ['no containers', (spec) => (spec.containers = []), ['spec.containers: Required value']],
  [
    'several kinds of wrong at once, in order',
    (spec) => {
      container(spec).name = ''
      container(spec).imagePullPolicy = 'Sometimes'
      spec.volumes = [{ name: 'v' }, { name: 'v' }]
      spec.hostname = 'a.b'
      spec.restartPolicy = 'Bogus'
    },
    [
      'spec.volumes[1].name: Duplicate value: "v"',
      'spec.containers[0].name: Required value',
      'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
      'spec.restartPolicy: Unsupported value: "Bogus": supported values: "Always", "OnFailure", "Never"',
      'spec.hostname: Invalid value: "a.b": must not contain dots',
    ],
  ],
  [
    'a volume of two kinds cannot be mounted',
    (spec) => {
      spec.volumes = [{ name: 'v', configMap: { name: 'c' }, emptyDir: {} }]
      container(spec).volumeMounts = [{ name: 'v', mountPath: '/v' }]
    },
    [
      'spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type',
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
  ],
  [
    'requests above limits',
    (spec) => (container(spec).resources = { requests: { cpu: '2' }, limits: { cpu: '1500m' } }),
    ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1500m'],
  ],
  [
    'a liveness probe of two handlers that succeeds twice',
    (spec) => (container(spec).livenessProbe = { httpGet: { port: 80 }, tcpSocket: { port: 80 }, successThreshold: 2 }),
    [
      'spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
    ],
  ],
  [
    'hooks and probes of an init container',
    (spec) => (spec.initContainers = [{ name: 'i', image: 'x', livenessProbe: { tcpSocket: { port: 1 } } }]),
    ['spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'],
  ],
  [
    'hooks and probes of a sidecar',
    (spec) => (spec.initContainers = [{ name: 'i', image: 'x', restartPolicy: 'Always', livenessProbe: { tcpSocket: { port: 1 } } }]),
    [],
  ],
  [
    'a node before the gates are open',
    (spec) => {
      spec.nodeName = 'n1'
      spec.schedulingGates = [{ name: 'a' }]
    },
    ['spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared'],
  ],
  [
    'ports of the host follow those of the container',
    (spec) => {
      spec.hostNetwork = true
      container(spec).ports = [{ containerPort: 80, protocol: 'TCP' }]
    },
    [],
  ],
  [
    'a toleration of nothing',
    (spec) => (spec.tolerations = [{}]),
    [
      'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
  ],
]

test('a new pod is refused with all causes, in order', () => {
  for (const [name, change, expected] of CREATION) assert.deepEqual(refusals(change), expected, name)
})

const ONLY = 'spec: Forbidden: pod updates may not change fields other than'
const UPDATES: readonly (readonly [name: string, change: Change, expected: readonly string[], before?: Change])[] = [
  ['an image', (spec) => (container(spec).image = 'nginx:2'), []],
  ['a label', (_, pod) => (pod.metadata = { ...pod.metadata, labels: { a: 'b' } }), []],
  ['a new toleration', (spec) => (spec.tolerations = [{ key: 'k', operator: 'Exists' }]), []],
  [
    'one toleration less',
    (spec) => (spec.tolerations = []),
    ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
    (spec) => (spec.tolerations = [{ key: 'k', operator: 'Exists' }]),
  ],
  [
    'a later deadline',
    (spec) => (spec.activeDeadlineSeconds = 600),
    ['spec.activeDeadlineSeconds: Invalid value: 600: must be less than or equal to previous value'],
    (spec) => (spec.activeDeadlineSeconds = 500),
  ],
  ['a node, without binding', (spec) => (spec.nodeName = 'n1'), [ONLY]],
  ['the amounts of a container', (spec) => (container(spec).resources = { requests: { cpu: '1' } }), [ONLY]],
  [
    'a switch that nobody has decided',
    (spec) => delete spec.automountServiceAccountToken,
    [ONLY],
    (spec) => (spec.automountServiceAccountToken = false),
  ],
  ['nodes of a gated pod', (spec) => (spec.nodeSelector = { a: 'b' }), [], (spec) => (spec.schedulingGates = [{ name: 'g' }])],
  [
    'other nodes of a gated pod',
    (spec) => (spec.nodeSelector = { a: 'c' }),
    ['spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)'],
    (spec) => {
      spec.schedulingGates = [{ name: 'g' }]
      spec.nodeSelector = { a: 'b' }
    },
  ],
]

test('a pod stays what it was made, but for a few fields', () => {
  for (const [name, change, expected, before] of UPDATES) {
    const found = updateRefusals(change, before).map((line) => (line.startsWith(ONLY) ? ONLY : line))
    assert.deepEqual(found, expected, name)
  }
})

test('a new pod gets its first state', () => {
  const pod = podWith((spec, { metadata }) => {
    if (metadata !== undefined) metadata.labels = { app: 'x' }
    spec.schedulingGates = [{ name: 'g' }]
    spec.terminationGracePeriodSeconds = -1
    container(spec).resources = { limits: { cpu: '1', memory: '1Gi' } }
    container(spec).lifecycle = { stopSignal: 'SIGTERM' }
    spec.topologySpreadConstraints = [
      { maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {}, matchLabelKeys: ['app'] },
    ]
  })
  const changed = structuredClone(pod)
  pods.strategy.prepareForUpdate?.(changed, pod, '2026-01-01T00:00:00Z')
  assert.equal(changed.spec?.containers[0]?.lifecycle, undefined)
  pods.strategy.prepareForCreate?.(pod, { name: 'admin', groups: [], extra: {} }, '2026-01-01T00:00:00Z')
  const { spec, status } = pod
  assert.deepEqual(container(spec as core.PodSpec).resources?.requests, { cpu: '1', memory: '1Gi' })
  assert.equal(spec?.containers[0]?.lifecycle, undefined)
  assert.equal(spec?.terminationGracePeriodSeconds, 1)
  assert.deepEqual(spec?.topologySpreadConstraints?.[0]?.labelSelector, {
    matchExpressions: [{ key: 'app', operator: 'In', values: ['x'] }],
  })
  assert.equal(status?.phase, 'Pending')
  assert.equal(status?.qosClass, 'Guaranteed')
  assert.equal(status?.conditions?.[0]?.reason, 'SchedulingGated')
  assert.equal(status?.conditions?.[0]?.lastTransitionTime, '2026-01-01T00:00:00Z')
})

test('images pull always when their tag moves', () => {
  const policies = [
    'nginx',
    'nginx:latest',
    'nginx:1',
    'r.example.com:5000/a/b',
    'r.example.com:5000/a/b:1',
    `a@sha256:${'0'.repeat(64)}`,
    'Not Valid!',
  ].map((image) => podWith((spec) => (container(spec).image = image)).spec?.containers[0]?.imagePullPolicy)
  assert.deepEqual(policies, ['Always', 'Always', 'IfNotPresent', 'Always', 'IfNotPresent', 'IfNotPresent', 'IfNotPresent'])
})

test('a pod has time to end only where somebody runs it', () => {
  const grace = (change: Change, asked?: number): number | undefined => pods.strategy.gracefulDeletion?.(podWith(change), asked)
  const onNode: Change = (spec) => (spec.nodeName = 'n1')
  assert.equal(
    grace(() => {}),
    0,
  )
  assert.equal(grace(onNode), 30)
  assert.equal(grace(onNode, 5), 5)
  assert.equal(
    grace((spec, pod) => {
      spec.nodeName = 'n1'
      pod.status = { phase: 'Succeeded' }
    }),
    0,
  )
})

const statusOf = (status: core.PodStatus, change: Change = () => {}): string => {
  const { ready, status: word, restarts } = summarisePod({ ...podWith(change), status }, Date.parse('2026-01-01T01:00:00Z'))
  return `${ready} ${word} ${restarts}`
}
const base = { image: 'x', imageID: '', ready: false, restartCount: 0 }

test('one word says how a pod is', () => {
  const waiting = (reason: string): core.ContainerStatus => ({ ...base, name: 'a', state: { waiting: { reason } } })
  assert.equal(statusOf({ phase: 'Pending' }), '0/1 Pending 0')
  assert.equal(statusOf({ phase: 'Running', containerStatuses: [waiting('CrashLoopBackOff')] }), '0/1 CrashLoopBackOff 0')
  assert.equal(
    statusOf({
      phase: 'Running',
      containerStatuses: [
        {
          ...base,
          name: 'a',
          ready: true,
          restartCount: 1,
          state: { running: {} },
          lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:55:00Z' } },
        },
      ],
    }),
    '1/1 Running 1 (5m ago)',
  )
  assert.equal(
    statusOf({
      phase: 'Succeeded',
      containerStatuses: [{ ...base, name: 'a', state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
    }),
    '0/1 Completed 0',
  )
  assert.equal(
    statusOf(
      { phase: 'Pending', initContainerStatuses: [{ ...base, name: 'i', state: { running: {} } }] },
      (spec) => (spec.initContainers = [{ name: 'i', image: 'x' }]),
    ),
    '0/1 Init:0/1 0',
  )
  assert.equal(
    statusOf({ phase: 'Running' }, (_, pod) => (pod.metadata = { ...pod.metadata, deletionTimestamp: '2026-01-01T00:59:00Z' })),
    '0/1 Terminating 0',
  )
})

test('warnings name what will surprise', () => {
  const pod = podWith((spec) => {
    container(spec).env = [
      { name: 'A', value: '1' },
      { name: 'A', value: '2' },
      { name: 'B', value: 'b' },
      { name: 'B', value: '$(B)/c' },
    ]
    spec.volumes = [{ name: 'g', gitRepo: { repository: 'r' } }]
  })
  assert.deepEqual(pods.strategy.warnings?.(pod, undefined), [
    'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
  ])
  assert.deepEqual(pods.strategy.warnings?.(pod, pod), [])
  const template: core.PodTemplateSpec = { spec: { containers: [], nodeSelector: { 'beta.kubernetes.io/os': 'linux' } } }
  const path = Path.of('spec', 'template')
  assert.deepEqual(podTemplateWarnings(template, path), [
    'spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
  ])
})
