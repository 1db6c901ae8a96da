import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPrivateKeyPem, createSigningRequest, rootScope, seededRandom } from '#base'
import { type KubeObject, type Resource, type ResourceRef, StatusError, type core, refs } from '#api'
import { mastersAuthorizer } from '../auth/authorize/authorize.ts'
import { type FakeObjects, fakeObjects } from '../auth/reader.fake.ts'
import type { AdmissionRequest, UserInfo } from '../contract.ts'
import { admissionSteps } from './steps.ts'

const scope = rootScope({ random: seededRandom(1) })
const admin: UserInfo = { name: 'admin', groups: ['system:masters'], extra: {} }
const nodeUser = (name: string): UserInfo => ({ name: `system:node:${name}`, groups: ['system:nodes'], extra: {} })

interface Attempt extends Partial<Omit<AdmissionRequest, 'resource' | 'object' | 'old'>> {
  readonly ref: ResourceRef
  readonly object?: object
  readonly old?: object
}
interface Outcome {
  readonly object: KubeObject
  readonly warnings: readonly string[]
}

function cluster(prepare: (objects: FakeObjects) => void = () => undefined) {
  const objects = fakeObjects()
  objects.put(refs.namespaces, { metadata: { name: 'a' }, status: { phase: 'Active' } })
  objects.put(refs.serviceaccounts, { metadata: { name: 'default', namespace: 'a', uid: 'd' } })
  prepare(objects)
  const steps = admissionSteps(objects, mastersAuthorizer)
  const admit = async ({ ref, object, old, ...more }: Attempt): Promise<Outcome> => {
    const warnings: string[] = []
    const draft = structuredClone(object) as KubeObject | undefined
    const request: AdmissionRequest = {
      operation: 'CREATE',
      resource: ref as Resource,
      subresource: '',
      namespace: ref.namespaced ? 'a' : '',
      name: draft?.metadata?.name ?? '',
      user: admin,
      dryRun: false,
      object: draft,
      old: old as KubeObject | undefined,
      options: {},
      warn: (text) => warnings.push(text),
      ...more,
    }
    for (const stage of ['mutate', 'validate'] as const)
      for (const step of steps) if (step.handles(request)) await step[stage]?.(scope, request)
    return { object: draft ?? {}, warnings }
  }
  const pod = async (spec: Partial<core.PodSpec> = {}, more: Partial<Attempt> = {}, metadata = {}): Promise<core.Pod> =>
    (
      await admit({
        ref: refs.pods,
        object: { metadata: { name: 'p', ...metadata }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } },
        ...more,
      })
    ).object as core.Pod
  return { objects, admit, pod }
}
const says = (message: string | RegExp) => ({ message }) as object

describe('namespaces', () => {
  const { objects, admit } = cluster()
  const map = { ref: refs.configmaps, object: { metadata: { name: 'm' } } }
  it('must be there', () => assert.rejects(admit({ ...map, namespace: 'nope' }), says('namespaces "nope" not found')))
  it('take nothing new while they end, but let go of what is there', async () => {
    objects.put(refs.namespaces, { metadata: { name: 'z' }, status: { phase: 'Terminating' } })
    await assert.rejects(admit({ ...map, namespace: 'z' }), (error) => {
      assert.ok(error instanceof StatusError)
      assert.equal(error.message, 'configmaps "m" is forbidden: unable to create new content in namespace z because it is being terminated')
      assert.deepEqual(error.status.details?.causes, [
        { reason: 'NamespaceTerminating', message: 'namespace z is being terminated', field: 'metadata.namespace' },
      ])
      return true
    })
    await admit({ ...map, namespace: 'z', operation: 'UPDATE', old: map.object })
    await admit({ ref: refs.configmaps, namespace: 'gone', name: 'm', operation: 'DELETE', old: map.object })
  })
  it('of the system cannot be deleted', async () => {
    const remove = (name: string): Promise<unknown> =>
      admit({ ref: refs.namespaces, operation: 'DELETE', name, old: { metadata: { name } } })
    for (const name of ['default', 'kube-system', 'kube-public'])
      await assert.rejects(remove(name), says(`namespaces "${name}" is forbidden: this namespace may not be deleted`))
    await remove('kube-node-lease')
  })
})

describe('service accounts of pods', () => {
  const { objects, pod } = cluster((all) => {
    all.put(refs.serviceaccounts, {
      metadata: { name: 'off', namespace: 'a' },
      automountServiceAccountToken: false,
      imagePullSecrets: [{ name: 'reg' }],
    })
  })
  it('default, and bring their token to every container', async () => {
    const { spec } = await pod({ initContainers: [{ name: 'i' }] })
    assert.equal(spec?.serviceAccountName, 'default')
    assert.equal(spec?.serviceAccount, 'default')
    const [volume] = spec?.volumes ?? []
    assert.match(volume?.name ?? '', /^kube-api-access-[bcdfghjklmnpqrstvwxz2-9]{5}$/)
    assert.deepEqual(volume?.projected?.sources?.[0], { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } })
    const mounts = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ volumeMounts }) => volumeMounts)
    const mount = { name: volume?.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }
    assert.deepEqual(mounts, [[mount], [mount]])
  })
  it('do not where pod or account say so; the pod has the last word', async () => {
    assert.equal((await pod({ automountServiceAccountToken: false })).spec?.volumes, undefined)
    assert.equal((await pod({ serviceAccountName: 'off' })).spec?.volumes, undefined)
    assert.equal((await pod({ serviceAccountName: 'off', automountServiceAccountToken: true })).spec?.volumes?.length, 1)
  })
  it('give their pull secrets to pods without any', async () => {
    assert.deepEqual((await pod({ serviceAccountName: 'off' })).spec?.imagePullSecrets, [{ name: 'reg' }])
    assert.deepEqual((await pod({ serviceAccountName: 'off', imagePullSecrets: [{ name: 'own' }] })).spec?.imagePullSecrets, [
      { name: 'own' },
    ])
  })
  it('must be there', () =>
    assert.rejects(
      pod({ serviceAccountName: 'x' }),
      says('pods "p" is forbidden: error looking up service account a/x: serviceaccount "x" not found'),
    ))
  it('are not for mirror pods, which may not name secrets in any way', async () => {
    const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } }
    assert.equal((await pod({ nodeName: 'n' }, {}, mirror)).spec?.serviceAccountName, undefined)
    await assert.rejects(pod({ serviceAccountName: 'default' }, {}, mirror), says(/a mirror pod may not reference service accounts/))
    await assert.rejects(
      pod({ ephemeralContainers: [{ name: 'e', envFrom: [{ secretRef: { name: 's' } }] }] }, {}, mirror),
      says(/may not reference secrets/),
    )
    await assert.rejects(
      pod({ volumes: [{ name: 't', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }, {}, mirror),
      says(/ServiceAccountToken volume projections/),
    )
  })
  it('may limit the secrets of their pods, in all kinds of containers and ways', async () => {
    objects.put(refs.serviceaccounts, {
      metadata: { name: 'strict', namespace: 'a', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
      secrets: [{ name: 'ok' }],
    })
    const strict = (spec: Partial<core.PodSpec>, more: Partial<Attempt> = {}): Promise<unknown> =>
      pod({ serviceAccountName: 'strict', ...spec }, more)
    const env = (secret: string): core.EnvVar[] => [{ name: 'E', valueFrom: { secretKeyRef: { name: secret, key: 'k' } } }]
    const because = 'is not allowed because service account strict does not reference that secret'
    await strict({ containers: [{ name: 'c', env: env('ok') }] })
    await assert.rejects(
      strict({ containers: [{ name: 'c', env: env('no') }] }),
      says(`pods "p" is forbidden: container c with envVar E referencing secret.secretName="no" ${because}`),
    )
    await assert.rejects(
      strict({ initContainers: [{ name: 'i', envFrom: [{ secretRef: { name: 'no' } }] }] }),
      says(/init container i with envFrom referencing/),
    )
    const ephemeral = {
      operation: 'UPDATE',
      subresource: 'ephemeralcontainers',
      old: { metadata: { name: 'p' }, spec: { containers: [] } },
    } as const
    await assert.rejects(
      strict({ ephemeralContainers: [{ name: 'e', env: env('no') }] }, ephemeral),
      says(/ephemeral container e with envVar E/),
    )
    await assert.rejects(
      strict({ volumes: [{ name: 'v', secret: { secretName: 'no' } }] }),
      says(`pods "p" is forbidden: volume with secret.secretName="no" ${because}`),
    )
    await assert.rejects(strict({ imagePullSecrets: [{ name: 'no' }] }), says(/imagePullSecrets\[0\].name="no" is not allowed/))
  })
})

describe('priority', () => {
  const { objects, admit, pod } = cluster((all) =>
    all.put(refs.priorityclasses, { metadata: { name: 'high' }, value: 7, preemptionPolicy: 'Never' }),
  )
  it('is the number of the class', async () => {
    const { spec } = await pod({ priorityClassName: 'high' })
    assert.deepEqual([spec?.priority, spec?.preemptionPolicy], [7, 'Never'])
    assert.equal((await pod({ priorityClassName: 'system-node-critical' })).spec?.priority, 2_000_001_000)
    assert.deepEqual([(await pod()).spec?.priority, (await pod()).spec?.preemptionPolicy], [0, 'PreemptLowerPriority'])
  })
  it("is nobody's own", async () => {
    const computed = (value: string | number): string =>
      `must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`
    await assert.rejects(pod({ priority: 5 }), says(`pods "p" is forbidden: the integer value of priority (5) ${computed(0)}`))
    await assert.rejects(
      pod({ priorityClassName: 'high', preemptionPolicy: 'PreemptLowerPriority' }),
      says(`pods "p" is forbidden: the string value of PreemptionPolicy (PreemptLowerPriority) ${computed('Never')}`),
    )
    await assert.rejects(pod({ priorityClassName: 'nope' }), says('pods "p" is forbidden: no PriorityClass with name nope was found'))
  })
  it('has one default', async () => {
    objects.put(refs.priorityclasses, { metadata: { name: 'usual' }, value: 77, globalDefault: true })
    assert.deepEqual([(await pod()).spec?.priority, (await pod()).spec?.priorityClassName], [77, 'usual'])
    const second = { ref: refs.priorityclasses, object: { metadata: { name: 'second' }, value: 1, globalDefault: true } }
    await assert.rejects(
      admit(second),
      says(
        'priorityclasses.scheduling.k8s.io "second" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
      ),
    )
    await assert.rejects(
      admit({ ref: refs.priorityclasses, operation: 'DELETE', name: 'system-node-critical', old: {} }),
      says(/cannot be deleted/),
    )
    await admit({ ref: refs.pods, operation: 'DELETE', name: 'p', old: {} })
  })
  it('stays when an update leaves it out', async () => {
    const old = { metadata: { name: 'p' }, spec: { priority: 7, preemptionPolicy: 'Never', containers: [] } }
    assert.equal((await pod({}, { operation: 'UPDATE', old })).spec?.priority, 7)
  })
})

describe('defaults', () => {
  const tolerations = async (...given: core.Toleration[]): Promise<readonly string[]> =>
    ((await cluster().pod({ tolerations: given })).spec?.tolerations ?? []).map(
      ({ key = '*', effect = '*', tolerationSeconds }) => `${key.replace('node.kubernetes.io/', '')} ${effect} ${tolerationSeconds ?? '-'}`,
    )
  it('let pods leave nodes in trouble after five minutes, unless they say otherwise', async () => {
    assert.deepEqual(await tolerations(), ['not-ready NoExecute 300', 'unreachable NoExecute 300'])
    assert.deepEqual(await tolerations({ operator: 'Exists' }), ['* * -'])
    assert.deepEqual(await tolerations({ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoSchedule' }), [
      'unreachable NoSchedule -',
      'not-ready NoExecute 300',
      'unreachable NoExecute 300',
    ])
  })
  it('keep pods off a new node', async () => {
    const { object } = await cluster().admit({ ref: refs.nodes, object: { metadata: { name: 'n' } } })
    assert.deepEqual((object as core.Node).spec?.taints, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }])
  })
  it('name the newest default class for claims that name none', async () => {
    const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
    const { admit } = cluster((all) =>
      all.put(
        refs.storageclasses,
        { metadata: { name: 'old', annotations, creationTimestamp: '2026-01-01T00:00:00Z' }, provisioner: 'p' },
        { metadata: { name: 'new', annotations, creationTimestamp: '2026-01-02T00:00:00Z' }, provisioner: 'p' },
      ),
    )
    const claim = async (spec: object, metadata = {}): Promise<core.PersistentVolumeClaim> =>
      (await admit({ ref: refs.persistentvolumeclaims, object: { metadata: { name: 'c', ...metadata }, spec } })).object
    assert.equal((await claim({})).spec?.storageClassName, 'new')
    assert.equal((await claim({ storageClassName: '' })).spec?.storageClassName, '')
    assert.equal((await claim({}, { annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } })).spec?.storageClassName, undefined)
    assert.deepEqual((await claim({})).metadata?.finalizers, ['kubernetes.io/pvc-protection'])
  })
  it('let claims grow where their class says so', async () => {
    const { admit } = cluster((all) =>
      all.put(
        refs.storageclasses,
        { metadata: { name: 'yes' }, provisioner: 'p', allowVolumeExpansion: true },
        { metadata: { name: 'no' }, provisioner: 'p' },
      ),
    )
    const grow = (storageClassName: string, phase = 'Bound', to = '2Gi'): Promise<unknown> => {
      const claim = (storage: string): object => ({
        metadata: { name: 'c' },
        spec: { storageClassName, resources: { requests: { storage } } },
        status: { phase },
      })
      return admit({ ref: refs.persistentvolumeclaims, operation: 'UPDATE', object: claim(to), old: claim('1Gi') })
    }
    await grow('yes')
    await grow('no', 'Bound', '1024Mi')
    await assert.rejects(grow('no'), says(/only dynamically provisioned pvc can be resized/))
    await assert.rejects(grow('yes', 'Pending'), says(/Only bound persistent volume claims can be expanded/))
  })
})

describe('runtime classes', () => {
  const { pod } = cluster((all) =>
    all.put(refs.runtimeclasses, {
      metadata: { name: 'rc' },
      handler: 'h',
      overhead: { podFixed: { cpu: '10m' } },
      scheduling: { nodeSelector: { disk: 'ssd' }, tolerations: [{ key: 'k', operator: 'Exists' }] },
    }),
  )
  it('bring overhead and place', async () => {
    const { spec } = await pod({ runtimeClassName: 'rc' })
    assert.deepEqual(
      [spec?.overhead, spec?.nodeSelector, spec?.tolerations?.at(-1)],
      [{ cpu: '10m' }, { disk: 'ssd' }, { key: 'k', operator: 'Exists' }],
    )
    assert.deepEqual((await pod({ runtimeClassName: 'rc', overhead: { cpu: '0.01' } })).spec?.overhead, { cpu: '10m' })
  })
  it('are not contradicted', async () => {
    await assert.rejects(pod({ runtimeClassName: 'rc', overhead: { cpu: '1' } }), says(/Pod's Overhead doesn't match/))
    await assert.rejects(
      pod({ runtimeClassName: 'rc', nodeSelector: { disk: 'hdd' } }),
      says(/conflict: runtimeClass.scheduling.nodeSelector\[disk\] = ssd; pod.spec.nodeSelector\[disk\] = hdd/),
    )
    await assert.rejects(pod({ runtimeClassName: 'nope' }), says(/pod rejected: RuntimeClass "nope" not found/))
    await assert.rejects(pod({ overhead: { cpu: '1' } }), says(/Pod Overhead set without corresponding RuntimeClass/))
  })
})

describe('limits of a namespace', () => {
  const limited = (...limits: core.LimitRangeItem[]) =>
    cluster((all) => all.put(refs.limitranges, { metadata: { name: 'l', namespace: 'a' }, spec: { limits } })).pod
  const one = (resources: core.ResourceRequirements): Partial<core.PodSpec> => ({ containers: [{ name: 'c', resources }] })
  it('fill in what containers leave out, and say so', async () => {
    const pod = limited({ type: 'Container', default: { cpu: '500m', memory: '1Gi' }, defaultRequest: { cpu: '100m', memory: '1Gi' } })
    const { spec, metadata } = await pod({
      initContainers: [{ name: 'i' }],
      containers: [{ name: 'c', resources: { limits: { cpu: '1' }, requests: { cpu: '1' } } }],
    })
    assert.deepEqual(spec?.containers?.[0]?.resources, { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } })
    const said =
      'LimitRanger plugin set: memory request for container c; memory limit for container c; cpu, memory request for init container i; cpu, memory limit for init container i'
    assert.equal(metadata?.annotations?.['kubernetes.io/limit-ranger'], said)
  })
  const cases: readonly (readonly [string, core.LimitRangeItem, Partial<core.PodSpec>, string])[] = [
    [
      'a container',
      { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1', memory: '1Gi' } },
      one({ requests: { cpu: '50m' }, limits: { cpu: '2', memory: '2Gi' } }),
      '[minimum cpu usage per Container is 100m, but request is 50m, maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Container is 1Gi, but limit is 2Gi]',
    ],
    [
      'a pod that says nothing',
      { type: 'Pod', min: { cpu: '200m' }, max: { cpu: '1' } },
      one({}),
      '[minimum cpu usage per Pod is 200m.  No request is specified, maximum cpu usage per Pod is 1.  No limit is specified]',
    ],
    [
      'the sum of a pod',
      { type: 'Pod', max: { cpu: '1' } },
      {
        containers: [
          { name: 'c', resources: { limits: { cpu: '600m' } } },
          { name: 'd', resources: { limits: { cpu: '600m' } } },
        ],
      },
      'maximum cpu usage per Pod is 1, but limit is 1200m',
    ],
    [
      'a pod without what its runtime adds',
      { type: 'Pod', maxLimitRequestRatio: { cpu: '1' } },
      { ...one({ requests: { cpu: '0' } }), overhead: { cpu: '10m' } },
      'cpu max limit to request ratio per Pod is 1, but no request is specified or request is 0',
    ],
    [
      'a ratio',
      { type: 'Pod', maxLimitRequestRatio: { memory: '1.5' } },
      one({ requests: { memory: '1Gi' }, limits: { memory: '2Gi' } }),
      'memory max limit to request ratio per Pod is 1500m, but provided ratio is 2.000000',
    ],
    [
      'an init container',
      { type: 'Container', max: { cpu: '1' } },
      {
        containers: [{ name: 'c', resources: { limits: { cpu: '1' } } }],
        initContainers: [{ name: 'i', resources: { limits: { cpu: '2' } } }],
      },
      'maximum cpu usage per Container is 1, but limit is 2',
    ],
  ]
  for (const [what, item, spec, why] of cases)
    it(`refuse ${what} outside of them`, () => assert.rejects(limited(item)(spec), says(`pods "p" is forbidden: ${why}`)))
})

describe('a pod on a node', () => {
  const asking = (cpu: string, of: Partial<core.PodSpec> = {}): core.PodSpec => ({
    nodeName: 'n1',
    containers: [{ name: 'c', image: 'i', resources: { requests: { cpu, memory: '1Gi' } } }],
    ...of,
  })
  const node = (more: { declaredFeatures?: string[]; os?: string } = {}): core.Node => ({
    metadata: { name: 'n1', ...(more.os && { labels: { 'kubernetes.io/os': more.os } }) },
    status: { allocatable: { cpu: '2', memory: '4Gi' }, ...(more.declaredFeatures && { declaredFeatures: more.declaredFeatures }) },
  })
  const change = (there: core.Node | undefined, old: core.PodSpec, spec: core.PodSpec, subresource = 'resize'): Promise<unknown> => {
    const { admit } = cluster((all) => {
      if (there !== undefined) all.put(refs.nodes, there)
    })
    const pod = { metadata: { name: 'p' } }
    return admit({ ref: refs.pods, operation: 'UPDATE', subresource, old: { ...pod, spec: old }, object: { ...pod, spec } })
  }
  const causes = (error: unknown): unknown => error instanceof StatusError && error.status.details?.causes

  it('does not ask for more than the node has in all', async () => {
    await change(node(), asking('1'), asking('2'))
    await change(undefined, asking('1', { nodeName: undefined as never }), asking('9', { nodeName: undefined as never }))
    const refused = change(node(), asking('1'), asking('2500m', { overhead: { memory: '4Gi' } }))
    const of =
      "node didn't have enough allocatable resources: cpu, requested: 2500, allocatable: 2000; memory, requested: 5368709120, allocatable: 4294967296"
    await assert.rejects(refused, says(`pods "p" is forbidden: ${of}`))
    assert.deepEqual(await refused.catch(causes), [{ reason: 'NodeCapacity' }])
  })
  it('changes only on a node of Linux that is there', async () => {
    await assert.rejects(change(undefined, asking('1'), asking('2')), says('pods "p" is forbidden: node "n1" not found'))
    await change(undefined, asking('1'), asking('1'))
    const refused = change(node({ os: 'windows' }), asking('1'), asking('2'))
    await assert.rejects(refused, says('pods "p" is forbidden: pod resize is only supported on linux nodes, node "n1" is "windows"'))
    assert.deepEqual(await refused.catch(causes), [{ reason: 'UnsupportedPlatform' }])
  })
  it('changes as a whole, and in its init containers, where the node says that it can', async () => {
    const whole = (cpu: string): core.PodSpec => asking('1', { resources: { requests: { cpu } } })
    const init = (cpu: string, restartPolicy?: string): core.PodSpec =>
      asking('1', { initContainers: [{ name: 'i', resources: { requests: { cpu } }, ...(restartPolicy && { restartPolicy }) }] })
    const lacks = (feature: string) =>
      says(`pods "p" is forbidden: pod update requires features ${feature} which are not available on node "n1"`)
    for (const subresource of ['', 'resize']) {
      await assert.rejects(change(node(), whole('1'), whole('2'), subresource), lacks('InPlacePodLevelResourcesVerticalScaling'))
      await assert.rejects(change(node(), init('1'), init('2'), subresource), lacks('InPlacePodVerticalScalingInitContainers'))
      await change(node(), init('500m', 'Always'), init('1', 'Always'), subresource)
      await change(node({ declaredFeatures: ['InPlacePodLevelResourcesVerticalScaling'] }), whole('1'), whole('2'), subresource)
    }
  })
})

describe('a node that writes', () => {
  const { objects, admit, pod } = cluster((all) => {
    all.put(refs.nodes, { metadata: { name: 'n1', uid: 'node-1' } })
    all.put(refs.namespaces, { metadata: { name: 'kube-node-lease' } })
    const running = (name: string, nodeName: string): core.Pod => ({
      metadata: { name, namespace: 'a', uid: `uid-${name}` },
      spec: {
        nodeName,
        containers: [],
        volumes: [{ name: 't', projected: { sources: [{ serviceAccountToken: { path: 't', audience: 'vault' } }] } }],
      },
    })
    all.put(refs.pods, running('mine', 'n1'), running('theirs', 'n2'))
  })
  const user = nodeUser('n1')
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'node-1', controller: true }
  const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences: [owner] }
  const spec = { nodeName: 'n1' }

  it('may show a static pod of its own', async () => void (await pod(spec, { user }, mirror)))
  const pods: readonly (readonly [string, Partial<core.PodSpec>, object, RegExp])[] = [
    ['is no mirror', spec, {}, /can only create mirror pods/],
    ['runs elsewhere', { nodeName: 'n2' }, mirror, /spec.nodeName set to itself/],
    ['has no owner', spec, { ...mirror, ownerReferences: [] }, /owner reference set to itself/],
    ['has two owners', spec, { ...mirror, ownerReferences: [owner, owner] }, /single owner reference/],
    [
      'has the uid of an earlier node',
      spec,
      { ...mirror, ownerReferences: [{ ...owner, uid: 'old' }] },
      /UID mismatch: expected old got node-1/,
    ],
    [
      'reads a config map in an ephemeral container',
      { ...spec, ephemeralContainers: [{ name: 'e', envFrom: [{ configMapRef: { name: 'm' } }] }] },
      mirror,
      /reference configmaps/,
    ],
    ['claims a volume', { ...spec, volumes: [{ name: 'v', ephemeral: {} }] }, mirror, /reference persistentvolumeclaims/],
    ['claims a device', { ...spec, resourceClaims: [{ name: 'r', resourceClaimTemplateName: 't' }] }, mirror, /reference resourceclaims/],
  ]
  for (const [what, podSpec, metadata, why] of pods)
    it(`may not create a pod that ${what}`, () => assert.rejects(pod(podSpec, { user }, metadata), says(why)))

  it('may not touch pods of other nodes', async () => {
    const remove = (name: string): Promise<unknown> =>
      admit({ ref: refs.pods, operation: 'DELETE', name, user, old: objects.get(refs.pods, 'a', name) ?? {} })
    await remove('mine')
    await assert.rejects(
      remove('theirs'),
      says('pods "theirs" is forbidden: node "n1" can only delete pods with spec.nodeName set to itself'),
    )
    const status = (name: string, change: object = {}): Promise<unknown> => {
      const old = objects.get(refs.pods, 'a', name)
      return admit({
        ref: refs.pods,
        operation: 'UPDATE',
        subresource: 'status',
        user,
        object: { ...old, ...change },
        ...(old === undefined ? {} : { old }),
      })
    }
    await status('mine')
    await assert.rejects(status('theirs'), says(/can only update pod status for pods with spec.nodeName set to itself/))
    await assert.rejects(
      status('mine', { metadata: { name: 'mine', namespace: 'a', uid: 'uid-mine', labels: { a: 'b' } } }),
      says(/cannot update labels through pod status/),
    )
    await assert.rejects(
      status('mine', { status: { resourceClaimStatuses: [{ name: 'c', resourceClaimName: 'x' }] } }),
      says(/cannot update resource claim statues/),
    )
    const evict = (name: string): Promise<unknown> =>
      admit({ ref: refs.pods, subresource: 'eviction', name, user, object: { metadata: { name } } })
    await evict('mine')
    await assert.rejects(evict('theirs'), says('pods "theirs" is forbidden: node n1 can only evict pods with spec.nodeName set to itself'))
  })

  const own = {
    metadata: { name: 'n1', labels: { 'kubernetes.io/hostname': 'n1' } },
    spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] },
  }
  const update = (change: object, old: object = own): Promise<unknown> =>
    admit({ ref: refs.nodes, operation: 'UPDATE', user, object: { ...own, ...change }, old })
  it('may change itself, but nothing that draws pods or hides it', async () => {
    await update({ metadata: { ...own.metadata, labels: { ...own.metadata.labels, app: 'x', 'kubelet.kubernetes.io/z': '1' } } })
    await assert.rejects(
      admit({ ref: refs.nodes, user, object: { metadata: { name: 'n2' } } }),
      says('nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"'),
    )
    await assert.rejects(update({ spec: { taints: [] } }), says(/is not allowed to modify taints/))
    await assert.rejects(
      update({ metadata: { ...own.metadata, labels: { 'node-restriction.kubernetes.io/z': '1', 'foo.k8s.io/b': '2' } } }),
      says(/is not allowed to modify labels: foo.k8s.io\/b, node-restriction.kubernetes.io\/z/),
    )
    await assert.rejects(
      update({ metadata: { ...own.metadata, ownerReferences: [owner] } }),
      says(/is not allowed to modify ownerReferences/),
    )
    await assert.rejects(update({ metadata: { ...own.metadata, finalizers: ['a.b/c'] } }), says(/is not allowed to modify finalizers/))
    await assert.rejects(update({ spec: { ...own.spec, configSource: {} } }), says(/configSource/))
  })
  it('asks for certificates in its own name alone', async () => {
    const ask = async (commonName: string, signerName: string): Promise<unknown> => {
      const pem = await createSigningRequest(await createPrivateKeyPem(), { subject: { commonName, organizations: ['system:nodes'] } })
      const spec = { request: Buffer.from(pem).toString('base64'), signerName, usages: ['client auth'] }
      return admit({ ref: refs.certificatesigningrequests, user, object: { metadata: { name: 'r' }, spec } })
    }
    await ask('system:node:n1', 'kubernetes.io/kubelet-serving')
    await ask('system:node:n2', 'example.com/other')
    for (const signer of ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'])
      await assert.rejects(
        ask('system:node:n2', signer),
        says('certificatesigningrequests.certificates.k8s.io "r" is forbidden: can only create a node CSR with CN=system:node:n1'),
      )
    const spec = { request: 'eA==', signerName: 'kubernetes.io/kubelet-serving', usages: ['client auth'] }
    await assert.rejects(
      admit({ ref: refs.certificatesigningrequests, user, object: { metadata: { name: 'r' }, spec } }),
      says(/unable to parse csr/),
    )
  })
  it('may not do at its registration what it may not do later', async () => {
    const register = (metadata: object): Promise<unknown> =>
      admit({ ref: refs.nodes, user, object: { metadata: { name: 'n1', ...metadata } } })
    await register({ labels: { 'topology.kubernetes.io/zone': 'z' } })
    await assert.rejects(
      register({ labels: { 'foo.kubernetes.io/bar': '1' } }),
      says(/is not allowed to set the following labels: foo.kubernetes.io\/bar/),
    )
    await assert.rejects(register({ ownerReferences: [owner] }), says(/ownerReferences/))
    await assert.rejects(register({ finalizers: ['a.b/c'] }), says(/finalizers/))
  })
  it('has one lease and one CSINode', async () => {
    await admit({ ref: refs.leases, namespace: 'kube-node-lease', user, object: { metadata: { name: 'n1' } } })
    await assert.rejects(
      admit({ ref: refs.leases, namespace: 'kube-node-lease', user, object: { metadata: { name: 'n2' } } }),
      says(/leases.coordination.k8s.io "n2" is forbidden: can only access node lease with the same name/),
    )
    await assert.rejects(
      admit({ ref: refs.csinodes, user, object: { metadata: { name: 'n2' } } }),
      says(/can only access CSINode with the same name/),
    )
  })
  it('gets tokens for the very pods that run on it, for what they ask for', async () => {
    const token = (boundObjectRef: object | null, audiences: readonly string[] = ['vault']): Promise<unknown> =>
      admit({ ref: refs.serviceaccounts, subresource: 'token', name: 'default', user, object: { spec: { audiences, boundObjectRef } } })
    const mine = { apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: 'uid-mine' }
    await token(mine)
    await assert.rejects(token(null), says(/not bound to a pod/))
    await assert.rejects(token({ ...mine, uid: '' }), says(/pod binding without a uid/))
    await assert.rejects(token({ ...mine, uid: 'other' }), says(/does not match the UID in record/))
    await assert.rejects(token({ ...mine, name: 'theirs', uid: 'uid-theirs' }), says(/scheduled on a different node/))
    await assert.rejects(token(mine, ['other']), says(/audience "other" not found in pod spec volume/))
  })
})
