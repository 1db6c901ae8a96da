import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { core } from '#api'
import type { SandboxStatus } from '../../cri/runtime.ts'
import { ANNOTATIONS, containerHash, findContainer } from '../pod-facts.ts'
import { podStatus } from '../status/pod-status.ts'
import type { Action } from './action.ts'
import { planPod } from './plan-pod.ts'
import type { ContainerView, PodMemory, PodSnapshot } from './snapshot.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')

function pod(spec: Partial<core.PodSpec> = {}, metadata: core.Pod['metadata'] = {}): core.Pod {
  return {
    metadata: { name: 'web', namespace: 'default', uid: 'u1', generation: 1, ...metadata },
    spec: { containers: [{ name: 'main', image: 'app:1' }], ...spec },
  }
}
const sandbox = (ready = true, attempt = 0): SandboxStatus => ({
  id: `s${attempt}`,
  name: 'web',
  namespace: 'default',
  uid: 'u1',
  attempt,
  ready,
  createdAtMs: NOW - 60_000 + attempt,
  handler: '',
  labels: {},
  annotations: {},
  ips: ready ? ['10.0.0.5'] : [],
})
function run(of: core.Pod, name: string, change: Partial<ContainerView> = {}): ContainerView {
  const container = findContainer(of, name)
  assert.ok(container)
  return {
    id: `${name}-${change.attempt ?? 0}`,
    name,
    attempt: 0,
    state: 'running',
    sandboxId: 's0',
    createdAtMs: NOW - 50_000 + (change.attempt ?? 0),
    startedAtMs: NOW - 50_000,
    finishedAtMs: 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: 'app:1',
    imageRef: 'sha256:1',
    imageId: '',
    logPath: '',
    labels: {},
    annotations: { [ANNOTATIONS.hash]: containerHash(container) },
    ...change,
  }
}
const exited = (of: core.Pod, name: string, exitCode: number, change: Partial<ContainerView> = {}): ContainerView =>
  run(of, name, { state: 'exited', exitCode, finishedAtMs: NOW - 1000, ...change })
function snapshot(of: core.Pod, change: Omit<Partial<PodSnapshot>, 'memory'> & { memory?: Partial<PodMemory> } = {}): PodSnapshot {
  const memory: PodMemory = {
    startedAtMs: NOW - 60_000,
    ended: undefined,
    probes: new Map(),
    starting: new Set(),
    failures: new Map(),
    backoffs: new Map(),
    sandboxFailure: undefined,
    stoppedSandboxes: new Set(),
    volumesReleased: false,
    cgroupRemoved: false,
    deletionConfirmed: false,
    actuated: new Map(),
    actuatedPod: undefined,
    resize: {},
    replacing: new Set(),
    exiting: new Set(),
    endingSinceMs: undefined,
    ...change.memory,
  }
  return {
    pod: of,
    vanished: false,
    now: NOW,
    setBackMs: 0,
    sandboxes: [sandbox()],
    containers: [],
    needsSandboxStopped: false,
    isStarting: false,
    ...change,
    memory,
  }
}
const short = (action: Action): string => {
  switch (action.type) {
    case 'run-sandbox':
      return `run-sandbox ${action.attempt}`
    case 'start-container':
      return `start ${action.name} ${action.attempt}`
    case 'kill-container':
      return `kill ${action.id} in ${action.graceSeconds}`
    case 'stop-sandbox':
    case 'remove-sandbox':
    case 'remove-container':
      return `${action.type} ${action.id}`
    default:
      return action.type
  }
}
const plan = (of: PodSnapshot): string[] => planPod(of).actions.map(short)
const status = (of: PodSnapshot): core.PodStatus => podStatus(of, planPod(of), { ips: ['192.0.2.1'], recursiveReadOnlyMounts: false })

const plain = pod()
const never = pod({ restartPolicy: 'Never' })
const onFailure = pod({ restartPolicy: 'OnFailure' })
const withInit = pod({ initContainers: [{ name: 'first' }, { name: 'second' }] })
const withSidecar = pod({ initContainers: [{ name: 'proxy', restartPolicy: 'Always' }, { name: 'second' }] })
const jobWithSidecar = pod({ restartPolicy: 'Never', initContainers: [{ name: 'proxy', restartPolicy: 'Always' }] })
const leaving = (of: core.Pod, grace = 30): core.Pod => ({
  ...of,
  metadata: { ...of.metadata, deletionTimestamp: '2026-01-01T00:10:00Z', deletionGracePeriodSeconds: grace },
})

describe('what a pod needs next', () => {
  const cases: readonly [what: string, of: PodSnapshot, actions: readonly string[]][] = [
    ['a new pod gets a sandbox', snapshot(plain, { sandboxes: [] }), ['run-sandbox 0']],
    ['with a sandbox it starts its container', snapshot(plain), ['start main 0']],
    ['a running container is left alone', snapshot(plain, { containers: [run(plain, 'main')] }), []],
    [
      'a dead sandbox is stopped and replaced',
      snapshot(plain, { sandboxes: [sandbox(false)], containers: [exited(plain, 'main', 255)] }),
      ['stop-sandbox s0', 'run-sandbox 1'],
    ],
    [
      'what still runs in a dead sandbox goes first',
      snapshot(plain, { sandboxes: [sandbox(false)], containers: [run(plain, 'main')], memory: { stoppedSandboxes: new Set(['s0']) } }),
      ['kill main-0 in 30'],
    ],
    [
      'after a sandbox failure it waits',
      snapshot(plain, {
        sandboxes: [],
        memory: { sandboxFailure: { reason: 'x', message: '', atMs: NOW, retryAtMs: NOW + 1, failures: 1 } },
      }),
      [],
    ],
    ['an ended container is started at once the first time', snapshot(plain, { containers: [exited(plain, 'main', 1)] }), ['start main 1']],
    [
      'then after its back-off',
      snapshot(plain, {
        containers: [exited(plain, 'main', 1)],
        memory: { backoffs: new Map([['main', { delayMs: 10_000, updatedAtMs: NOW - 5000 }]]) },
      }),
      [],
    ],
    [
      'a back-off is over when its time has passed',
      snapshot(plain, {
        containers: [exited(plain, 'main', 1, { finishedAtMs: NOW - 10_000 })],
        memory: { backoffs: new Map([['main', { delayMs: 10_000, updatedAtMs: NOW - 15_000 }]]) },
      }),
      ['start main 1'],
    ],
    [
      'long good behaviour forgets the back-off',
      snapshot(plain, {
        containers: [exited(plain, 'main', 1)],
        memory: { backoffs: new Map([['main', { delayMs: 300_000, updatedAtMs: NOW - 700_000 }]]) },
      }),
      ['start main 1'],
    ],
    ['Never is never restarted', snapshot(never, { containers: [exited(never, 'main', 1)] }), ['stop-sandbox s0', 'release-volumes']],
    ['OnFailure is restarted after a failure', snapshot(onFailure, { containers: [exited(onFailure, 'main', 1)] }), ['start main 1']],
    [
      'OnFailure ends after success',
      snapshot(onFailure, { containers: [exited(onFailure, 'main', 0)] }),
      ['stop-sandbox s0', 'release-volumes'],
    ],
    [
      'a failed liveness probe kills',
      snapshot(plain, {
        containers: [run(plain, 'main')],
        memory: { probes: new Map([['main-0', { startup: 'unknown', readiness: 'success', liveness: 'failure' }]]) },
      }),
      ['kill main-0 in 30'],
    ],
    ['a changed image kills', snapshot(plain, { containers: [run(plain, 'main', { annotations: {} })] }), ['kill main-0 in 30']],
    [
      'a container that was never started is made again',
      snapshot(plain, { containers: [run(plain, 'main', { state: 'created' })] }),
      ['remove-container main-0'],
    ],
    [
      'unless it is just being started',
      snapshot(plain, { containers: [run(plain, 'main', { state: 'created' })], memory: { starting: new Set(['main-0']) } }),
      [],
    ],
    [
      'only one dead container of a name is kept',
      snapshot(plain, {
        containers: [run(plain, 'main', { attempt: 2 }), exited(plain, 'main', 1, { attempt: 1 }), exited(plain, 'main', 1)],
      }),
      ['remove-container main-0'],
    ],
    ['init containers come one by one', snapshot(withInit), ['start first 0']],
    ['the second after the first', snapshot(withInit, { containers: [exited(withInit, 'first', 0)] }), ['start second 0']],
    [
      'the others after the last',
      snapshot(withInit, { containers: [exited(withInit, 'second', 0), exited(withInit, 'first', 0)] }),
      ['start main 0'],
    ],
    ['a failed init container is started again', snapshot(withInit, { containers: [exited(withInit, 'first', 1)] }), ['start first 1']],
    ['a sidecar that runs lets the next one begin', snapshot(withSidecar, { containers: [run(withSidecar, 'proxy')] }), ['start second 0']],
    [
      'a sidecar whose hook is not done does not',
      snapshot(withSidecar, { containers: [run(withSidecar, 'proxy')], memory: { starting: new Set(['proxy-0']) } }),
      [],
    ],
    [
      'a sidecar is kept running beside the others',
      snapshot(withSidecar, { containers: [run(withSidecar, 'main'), exited(withSidecar, 'proxy', 0)] }),
      ['start proxy 1'],
    ],
    [
      'sidecars end after the work is done',
      snapshot(jobWithSidecar, { containers: [exited(jobWithSidecar, 'main', 0), run(jobWithSidecar, 'proxy')] }),
      ['kill proxy-0 in 30'],
    ],
    ['a deleted pod is killed with its grace', snapshot(leaving(plain, 7), { containers: [run(plain, 'main')] }), ['kill main-0 in 7']],
    [
      'sidecars are killed after the others',
      snapshot(leaving(withSidecar), { containers: [run(withSidecar, 'main'), run(withSidecar, 'proxy')] }),
      ['kill main-0 in 30'],
    ],
    [
      'a sidecar is killed as soon as the others have ended, whatever the runtime has put down of it',
      snapshot(leaving(withSidecar), {
        containers: [run(withSidecar, 'main'), run(withSidecar, 'proxy')],
        memory: { exiting: new Set(['main-0']) },
      }),
      ['kill proxy-0 in 30'],
    ],
    [
      'the sandbox goes as soon as nothing runs in it, and volumes when the runtime says so, too',
      snapshot(leaving(plain), { containers: [run(plain, 'main')], memory: { exiting: new Set(['main-0']) } }),
      ['stop-sandbox s0', 'kill main-0 in 30'],
    ],
    [
      'a sandbox that is stopped sooner than the runtime knows of the end is no reason to confirm',
      snapshot(leaving(plain), {
        containers: [run(plain, 'main')],
        memory: { exiting: new Set(['main-0']), stoppedSandboxes: new Set(['s0']) },
      }),
      ['kill main-0 in 30'],
    ],
    [
      'what is being started is waited for: its sandbox and volumes are not taken from under it',
      snapshot(leaving(plain), { isStarting: true, needsSandboxStopped: true, memory: { endingSinceMs: NOW - 1000 } }),
      [],
    ],
    [
      'but not for ever',
      snapshot(leaving(plain), { isStarting: true, needsSandboxStopped: true, memory: { endingSinceMs: NOW - 60_000 } }),
      ['stop-sandbox s0', 'release-volumes'],
    ],
    [
      'then the sandbox and volumes go',
      snapshot(leaving(plain), { containers: [exited(plain, 'main', 0)] }),
      ['stop-sandbox s0', 'release-volumes'],
    ],
    [
      'the deletion is confirmed when nothing runs and the volumes are let go, while the sandbox is being stopped',
      snapshot(leaving(plain), { containers: [exited(plain, 'main', 0)], memory: { volumesReleased: true } }),
      ['stop-sandbox s0', 'confirm-deletion'],
    ],
    [
      'it waits for a sandbox that others may wait for',
      snapshot(leaving(plain), {
        containers: [exited(plain, 'main', 0)],
        needsSandboxStopped: true,
        memory: { volumesReleased: true },
      }),
      ['stop-sandbox s0'],
    ],
    [
      'nothing is removed while the runtime is still stopping it',
      snapshot(leaving(plain), {
        containers: [exited(plain, 'main', 0)],
        memory: { stoppedSandboxes: new Set(['s0']), volumesReleased: true, deletionConfirmed: true, exiting: new Set(['main-0']) },
      }),
      [],
    ],
    [
      'then the deletion is confirmed',
      snapshot(leaving(plain), {
        containers: [exited(plain, 'main', 0)],
        memory: { stoppedSandboxes: new Set(['s0']), volumesReleased: true },
      }),
      ['confirm-deletion'],
    ],
    [
      'then the remains are removed',
      snapshot(leaving(plain), {
        containers: [exited(plain, 'main', 0)],
        memory: { stoppedSandboxes: new Set(['s0']), volumesReleased: true, deletionConfirmed: true },
      }),
      ['remove-container main-0'],
    ],
    [
      'a pod that vanished needs no confirmation',
      snapshot(plain, { vanished: true, sandboxes: [], memory: { volumesReleased: true } }),
      ['remove-cgroup'],
    ],
    [
      'past its deadline it is killed',
      snapshot(pod({ activeDeadlineSeconds: 60 }), { containers: [run(plain, 'main')] }),
      ['kill main-0 in 30'],
    ],
    [
      'a pod that the API calls failed is never started again',
      snapshot({ ...plain, status: { phase: 'Failed' } }, { sandboxes: [], memory: { volumesReleased: true, cgroupRemoved: true } }),
      [],
    ],
    [
      'a kubectl debug container is started once',
      snapshot(pod({ ephemeralContainers: [{ name: 'debug' }] }), { containers: [run(plain, 'main')] }),
      ['start debug 0'],
    ],
  ]
  for (const [what, of, actions] of cases) test(what, () => assert.deepEqual(plan(of), actions))

  test('time alone wakes it for the end of a back-off', () => {
    const of = snapshot(plain, {
      containers: [exited(plain, 'main', 1)],
      memory: { backoffs: new Map([['main', { delayMs: 20_000, updatedAtMs: NOW - 5000 }]]) },
    })
    assert.equal(planPod(of).wakeAtMs, NOW - 1000 + 20_000)
  })
})

describe('what the API is told', () => {
  const phases: readonly [what: string, of: PodSnapshot, phase: string][] = [
    ['without a sandbox it is pending', snapshot(plain, { sandboxes: [] }), 'Pending'],
    ['running', snapshot(plain, { containers: [run(plain, 'main')] }), 'Running'],
    ['between two runs it stays running', snapshot(plain, { containers: [exited(plain, 'main', 1)] }), 'Running'],
    [
      'a hook that is not done keeps it pending',
      snapshot(plain, { containers: [run(plain, 'main')], memory: { starting: new Set(['main-0']) } }),
      'Pending',
    ],
    ['succeeded', snapshot(never, { containers: [exited(never, 'main', 0)] }), 'Succeeded'],
    ['failed', snapshot(never, { containers: [exited(never, 'main', 2)] }), 'Failed'],
    [
      'not over before its sidecar is',
      snapshot(jobWithSidecar, { containers: [exited(jobWithSidecar, 'main', 0), run(jobWithSidecar, 'proxy')] }),
      'Running',
    ],
    [
      'an init container that failed for good fails the pod',
      snapshot(pod({ restartPolicy: 'Never', initContainers: [{ name: 'first' }] }), { containers: [exited(withInit, 'first', 1)] }),
      'Failed',
    ],
    [
      'a deleted pod that ended well',
      snapshot(leaving(plain), { containers: [exited(plain, 'main', 0)], memory: { stoppedSandboxes: new Set(['s0']) } }),
      'Succeeded',
    ],
    [
      'a deleted pod that was killed',
      snapshot(leaving(plain), { containers: [exited(plain, 'main', 137)], memory: { stoppedSandboxes: new Set(['s0']) } }),
      'Failed',
    ],
  ]
  for (const [what, of, phase] of phases) test(what, () => assert.equal(status(of).phase, phase))

  test('a crash loop waits in the words of Kubernetes, with the last end beside it', () => {
    const of = snapshot(plain, {
      containers: [exited(plain, 'main', 3)],
      memory: { backoffs: new Map([['main', { delayMs: 80_000, updatedAtMs: NOW - 5000 }]]) },
    })
    const [found] = status(of).containerStatuses ?? []
    assert.deepEqual(found?.state, {
      waiting: { reason: 'CrashLoopBackOff', message: 'back-off 1m20s restarting failed container=main pod=web_default(u1)' },
    })
    assert.equal(found.lastState?.terminated?.exitCode, 3)
    assert.equal(found.lastState.terminated.reason, 'Error')
  })

  test('a failed pull is an error first and a back-off then', () => {
    const failure = (atMs: number) =>
      new Map([['main', { reason: 'ErrImagePull', message: 'no such image', atMs, retryAtMs: NOW + 9000, failures: 1 }]])
    const waiting = (atMs: number) =>
      status(snapshot(plain, { memory: { failures: failure(atMs) } })).containerStatuses?.[0]?.state?.waiting
    assert.deepEqual(waiting(NOW), { reason: 'ErrImagePull', message: 'no such image' })
    assert.deepEqual(waiting(NOW - 2000), {
      reason: 'ImagePullBackOff',
      message: 'Back-off pulling image "app:1": ErrImagePull: no such image',
    })
  })

  test('conditions name what is not ready', () => {
    const of = pod({ initContainers: [{ name: 'first' }], containers: [{ name: 'a' }, { name: 'b' }] })
    const conditions = status(snapshot(of)).conditions ?? []
    const texts = conditions.map(({ type, status: value, reason, message }) =>
      [type, value, reason, message].filter((part) => part !== undefined).join(' | '),
    )
    assert.deepEqual(texts, [
      'PodReadyToStartContainers | True',
      'Initialized | False | ContainersNotInitialized | containers with incomplete status: [first]',
      'Ready | False | ContainersNotReady | containers with unready status: [a b]',
      'ContainersReady | False | ContainersNotReady | containers with unready status: [a b]',
      'PodScheduled | True',
    ])
  })

  test('a transition time changes only with the status', () => {
    const before: core.Pod = {
      ...plain,
      status: {
        conditions: [
          { type: 'PodScheduled', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' },
          { type: 'Ready', status: 'False', lastTransitionTime: '2020-01-01T00:00:00Z' },
        ],
      },
    }
    const conditions = status(snapshot(before, { containers: [run(plain, 'main')] })).conditions ?? []
    const times = Object.fromEntries(conditions.map(({ type, lastTransitionTime }) => [type, lastTransitionTime]))
    assert.equal(times.PodScheduled, '2020-01-01T00:00:00Z')
    assert.equal(times.Ready, '2026-01-01T00:10:00Z')
  })

  test('a readiness gate that nobody has set keeps the pod unready', () => {
    const of = pod({ readinessGates: [{ conditionType: 'example.com/ready' }] })
    const ready = status(snapshot(of, { containers: [run(of, 'main')] })).conditions?.find(({ type }) => type === 'Ready')
    assert.equal(ready?.reason, 'ReadinessGatesNotReady')
    assert.equal(ready?.message, 'corresponding condition of pod readiness gate "example.com/ready" does not exist.')
  })

  test('a pod that was ended keeps its reason, and what never ran is reported lost', () => {
    const of = snapshot(plain, {
      sandboxes: [],
      memory: { ended: { reason: 'OutOfcpu', message: 'Pod was rejected: no', graceSeconds: 0 } },
    })
    const told = status(of)
    assert.deepEqual([told.phase, told.reason, told.message], ['Failed', 'OutOfcpu', 'Pod was rejected: no'])
    assert.equal(told.containerStatuses?.[0]?.state?.terminated?.reason, 'ContainerStatusUnknown')
  })
})
