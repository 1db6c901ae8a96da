import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MetricText, rootScope } from '#base'
import { type KubeObject, type Resource, type ResourceRef, type core, refs } from '#api'
import { fakeObjects } from '../../auth/reader.fake.ts'
import type { AdmissionRequest } from '../../contract.ts'
import { violationText } from './evaluate.ts'
import { LATEST, type Level } from './policy.ts'
import { AdmissionMetrics } from '../../observe/admission-metrics.ts'
import { podSecurity } from './step.ts'

const GOOD: core.SecurityContext = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
  capabilities: { drop: ['ALL'] },
}
const withContainer = (change: Partial<core.SecurityContext>, more: Partial<core.Container> = {}): core.PodSpec => ({
  containers: [{ name: 'c', ...more, securityContext: { ...GOOD, ...change } }],
})
const good = withContainer({})
const why = (level: Level, spec: core.PodSpec, minor = LATEST, annotations = {}): string | undefined =>
  violationText({ level, minor }, { metadata: { annotations }, spec })?.replace(/^PodSecurity "[^"]+": /, '')

describe('the baseline level', () => {
  const cases: readonly (readonly [string, core.PodSpec, string | undefined])[] = [
    ['a bare pod', { containers: [{ name: 'c' }] }, undefined],
    ['added default capabilities', withContainer({ capabilities: { add: ['CHOWN', 'KILL'] } }), undefined],
    [
      'added capabilities',
      withContainer({ capabilities: { add: ['SYS_TIME', 'NET_ADMIN'] } }),
      'non-default capabilities (container "c" must not include "NET_ADMIN", "SYS_TIME" in securityContext.capabilities.add)',
    ],
    [
      'host namespaces',
      { ...good, hostIPC: true, hostNetwork: true, hostPID: true },
      'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)',
    ],
    [
      'host paths',
      {
        ...good,
        volumes: [
          { name: 'a', hostPath: { path: '/' } },
          { name: 'b', hostPath: { path: '/' } },
        ],
      },
      'hostPath volumes (volumes "a", "b")',
    ],
    [
      'host ports',
      withContainer(
        {},
        {
          ports: [
            { containerPort: 1, hostPort: 8081 },
            { containerPort: 2, hostPort: 808 },
          ],
        },
      ),
      'hostPort (container "c" uses hostPorts 808, 8081)',
    ],
    [
      'probes of other hosts',
      withContainer({}, { livenessProbe: { httpGet: { port: 1, host: 'h' } } }),
      'probe or lifecycle host (container "c" uses probe or lifecycle host "h")',
    ],
    [
      'SELinux types',
      { ...good, securityContext: { seLinuxOptions: { type: 'spc_t' } } },
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t")',
    ],
    [
      'SELinux users',
      withContainer({ seLinuxOptions: { user: 'u', role: 'r' } }),
      'seLinuxOptions (container "c" set forbidden securityContext.seLinuxOptions: user may not be set; role may not be set)',
    ],
    [
      'no seccomp',
      withContainer({ seccompProfile: { type: 'Unconfined' } }),
      'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'an empty seccomp profile',
      withContainer({ seccompProfile: { type: '' } }),
      'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "")',
    ],
    [
      'no AppArmor',
      withContainer({ appArmorProfile: { type: 'Unconfined' } }),
      'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      'sysctls',
      {
        ...good,
        securityContext: {
          sysctls: [
            { name: 'kernel.msgmax', value: '1' },
            { name: 'net.ipv4.tcp_rmem', value: '1' },
          ],
        },
      },
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      'host processes',
      { ...good, securityContext: { windowsOptions: { hostProcess: true } } },
      'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
    ],
    [
      'open /proc',
      withContainer({ procMount: 'Unmasked' }),
      'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    ],
    ['open /proc in a user namespace', { ...withContainer({ procMount: 'Unmasked' }), hostUsers: false }, undefined],
  ]
  for (const [what, spec, wanted] of cases)
    it(`${wanted === undefined ? 'allows' : 'refuses'} ${what}`, () => assert.equal(why('baseline', spec), wanted))

  it('looks into containers of all kinds', () => {
    const bad: core.Container = { name: 'x', securityContext: { privileged: true } }
    const spec: core.PodSpec = {
      initContainers: [{ ...bad, name: 'i' }],
      containers: [{ ...bad, name: 'a' }, { name: 'fine' }],
      ephemeralContainers: [{ ...bad, name: 'e' }],
    }
    assert.equal(why('baseline', spec), 'privileged (containers "i", "a", "e" must not set securityContext.privileged=true)')
  })
})

describe('the restricted level', () => {
  const cases: readonly (readonly [string, core.PodSpec, string | undefined])[] = [
    ['a good pod', good, undefined],
    ['NET_BIND_SERVICE', withContainer({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }), undefined],
    [
      'a bare pod',
      { containers: [{ name: 'c' }] },
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
    [
      'default capabilities',
      withContainer({ capabilities: { drop: ['ALL'], add: ['CHOWN'] } }),
      'unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [
      'root by the pod',
      { ...good, securityContext: { runAsNonRoot: false } },
      'runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)',
    ],
    ['root by number', withContainer({ runAsUser: 0 }), 'runAsUser=0 (container "c" must not set runAsUser=0)'],
    [
      'other volumes',
      {
        ...good,
        volumes: [
          { name: 'h', hostPath: { path: '/' } },
          { name: 'e', emptyDir: {} },
        ],
      },
      'restricted volume types (volume "h" uses restricted volume type "hostPath")',
    ],
    [
      'open /proc even in a user namespace',
      { ...withContainer({ procMount: 'Unmasked' }), hostUsers: false },
      'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    ],
    ['root in a user namespace', { ...withContainer({ runAsUser: 0, runAsNonRoot: false }), hostUsers: false }, undefined],
    [
      'Windows pods without what is for Linux',
      { os: { name: 'windows' }, containers: [{ name: 'c', securityContext: { runAsNonRoot: true } }] },
      undefined,
    ],
  ]
  for (const [what, spec, wanted] of cases)
    it(`${wanted === undefined ? 'allows' : 'refuses'} ${what}`, () => assert.equal(why('restricted', spec), wanted))

  it('was less strict in the past', () => {
    const bare: core.PodSpec = { containers: [{ name: 'c' }] }
    const count = (minor: number): number => (why('restricted', bare, minor)?.match(/\) *,|\)$/g) ?? []).length
    assert.deepEqual([0, 8, 19, 22, 36].map(count), [1, 2, 3, 4, 4])
    assert.match(
      why('restricted', bare, 18, { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }) ?? '',
      /seccompProfile \(forbidden annotation seccomp.security.alpha.kubernetes.io\/pod="unconfined"\)/,
    )
    assert.equal(why('baseline', withContainer({}, { livenessProbe: { tcpSocket: { port: 1, host: 'h' } } }), 33), undefined)
  })
})

describe('the labels of a namespace', () => {
  const objects = fakeObjects()
  const step = podSecurity(objects)
  const P = 'pod-security.kubernetes.io/'
  const run = async (ref: ResourceRef, object: object, more: Partial<AdmissionRequest> = {}): Promise<readonly string[]> => {
    const warnings: string[] = []
    const request: AdmissionRequest = {
      operation: 'CREATE',
      resource: ref as Resource,
      subresource: '',
      namespace: 'a',
      name: 'p',
      user: { name: 'x', groups: [], extra: {} },
      dryRun: false,
      object: object as KubeObject,
      old: undefined,
      options: {},
      warn: (text: string) => warnings.push(text),
      ...more,
    }
    if (step.handles(request)) await step.validate?.(rootScope(), request)
    return warnings
  }
  const label = (labels: Record<string, string>): void => objects.put(refs.namespaces, { metadata: { name: 'a', labels } })
  const privileged: core.PodSpec = { containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] }
  const pod = (spec: core.PodSpec): core.Pod => ({ metadata: { name: 'p', namespace: 'a' }, spec })

  it('decide about pods, and warn of workloads', async () => {
    label({ [`${P}enforce`]: 'baseline' })
    const detail = 'PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)'
    await assert.rejects(run(refs.pods, pod(privileged)), { message: `pods "p" is forbidden: violates ${detail}` })
    const template = { spec: privileged }
    assert.deepEqual(await run(refs.deployments, { spec: { template } }), [`would violate ${detail}`])
    assert.deepEqual(await run(refs.cronjobs, { spec: { jobTemplate: { spec: { template } } } }), [`would violate ${detail}`])
    label({ [`${P}warn`]: 'baseline', [`${P}warn-version`]: 'v1.30' })
    assert.deepEqual(await run(refs.pods, pod(privileged)), [`would violate ${detail.replace('latest', 'v1.30')}`])
    label({ [`${P}audit`]: 'restricted' })
    assert.deepEqual(await run(refs.pods, pod(privileged)), [])
  })

  it('are noted for the audit, and counted', async () => {
    const noted: Record<string, string> = {}
    const metrics = new AdmissionMetrics()
    const more = { metrics, annotate: (key: string, value: string) => void (noted[key] = value) }
    label({ [`${P}enforce`]: 'privileged', [`${P}audit`]: 'baseline', [`${P}audit-version`]: 'v1.40' })
    assert.deepEqual(await run(refs.pods, pod(privileged), more), [])
    const why = 'PodSecurity "baseline:v1.40": privileged (container "c" must not set securityContext.privileged=true)'
    assert.deepEqual(noted, { [`${P}enforce-policy`]: 'privileged:latest', [`${P}audit-violations`]: `would violate ${why}` })
    label({ [`${P}enforce`]: 'restricted' })
    await assert.rejects(run(refs.pods, pod(privileged), more), /violates/)
    label({})
    await run(refs.pods, pod(privileged), more)
    assert.equal(noted[`${P}enforce-policy`], 'privileged:latest')
    const text = new MetricText()
    metrics.podSecurity.write(text)
    const counted = text
      .toString()
      .split('\n')
      .flatMap(
        (line) =>
          /decision="(\w+)",policy_level="(\w+)",policy_version="([\w.]+)",mode="(\w+)".*resource="pod".* (\d)$/
            .exec(line)
            ?.slice(1)
            .join(' ') ?? [],
      )
    assert.deepEqual(counted, [
      'allow privileged latest enforce 2',
      'deny baseline future audit 1',
      'deny restricted latest enforce 1',
      'deny restricted latest audit 1',
    ])
  })

  it('do not touch pods that are there until they change what they run', async () => {
    label({ [`${P}enforce`]: 'restricted' })
    const old = pod(privileged)
    const update = (spec: core.PodSpec, subresource = ''): Promise<unknown> =>
      run(refs.pods, { ...pod(spec), metadata: { name: 'p', labels: { a: 'b' } } }, { operation: 'UPDATE', old, subresource })
    await update(privileged)
    await update({ ...privileged, nodeName: 'n' }, 'status')
    await assert.rejects(update({ containers: [{ name: 'c', image: 'other', securityContext: { privileged: true } }] }), /violates/)
    await assert.rejects(
      update({ ...privileged, ephemeralContainers: [{ name: 'e', image: 'i' }] }, 'ephemeralcontainers'),
      /containers "c", "e" must set/,
    )
  })

  it('must be readable, and unknown levels to enforce mean the closed one', async () => {
    const set = (labels: Record<string, string>, old?: Record<string, string>): Promise<readonly string[]> =>
      run(
        refs.namespaces,
        { metadata: { name: 'a', labels } },
        { namespace: '', ...(old === undefined ? {} : { operation: 'UPDATE', old: { metadata: { name: 'a', labels: old } } }) },
      )
    await assert.rejects(set({ [`${P}enforce`]: 'Strict' }), {
      message: `Namespace "a" is invalid: metadata.labels[${P}enforce]: Invalid value: "Strict": must be one of privileged, baseline, restricted`,
    })
    await assert.rejects(set({ [`${P}warn-version`]: '1.2' }), /must be "latest" or "v1.x"/)
    assert.deepEqual(await set({ [`${P}enforce`]: 'Strict', x: 'y' }, { [`${P}enforce`]: 'Strict' }), [])
    label({ [`${P}enforce`]: 'Strict' })
    await assert.rejects(run(refs.pods, pod({ containers: [{ name: 'c' }] })), /violates PodSecurity "restricted:latest"/)
  })

  it('warn of pods that would not be let in any more', async () => {
    objects.put(
      refs.pods,
      { ...pod(privileged), metadata: { name: 'b', namespace: 'a' } },
      { ...pod(privileged), metadata: { name: 'a', namespace: 'a' } },
      { ...pod(good), metadata: { name: 'z', namespace: 'a' } },
    )
    const raise = run(
      refs.namespaces,
      { metadata: { name: 'a', labels: { [`${P}enforce`]: 'baseline' } } },
      { operation: 'UPDATE', namespace: '', old: { metadata: { name: 'a' } } },
    )
    assert.deepEqual(await raise, [
      'existing pods in namespace "a" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 1 other pod): privileged',
    ])
  })
})
