import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { apps, autoscaling, batch, core, networking } from '#api'
import { loadProject } from '#compose'
import { type Converted, convertProject, objectsOf } from './convert.ts'

function convert(text: string, files: Readonly<Record<string, string>> = {}): Converted {
  const project = loadProject({
    files: { home: '/home/u', read: (path) => (path === '/shop/compose.yaml' ? text : files[path]) },
    folder: '/shop',
    environment: {},
    warn: () => undefined,
  })
  return convertProject(project.model(), {
    read: (path) => (files[path] === undefined ? undefined : Buffer.from(files[path])),
    variable: () => undefined,
    isFile: (path) => path in files,
  })
}

function find<T>(converted: Converted, kind: string, name: string): T {
  assert.deepEqual(converted.refusals, [])
  const found = objectsOf(converted).find((object) => object.kind === kind && object.metadata?.name === name)
  assert.ok(found, `${kind} ${name}`)
  return found as T
}
const reasons = (converted: Converted): string[] => converted.refusals.map(({ path, reason }) => `${path.join('.')}: ${reason}`)
const service = (body: string): string => `services:\n  web:\n    image: web\n${body.replace(/^/gm, '    ')}`

test('a service is a Deployment that keeps what Compose said of its container', () => {
  const converted = convert(
    service(`command: serve "a b" $$HOME $(x)
environment: {A: "1", B: }
user: "1000:2000"
read_only: true
cap_drop: [ALL]
working_dir: /w
stop_grace_period: 1m30s
stop_signal: SIGINT
cpus: 0.5
mem_limit: 64m`),
  )
  const pod = find<apps.Deployment>(converted, 'Deployment', 'web').spec?.template.spec
  const [container] = pod?.containers ?? []
  assert.deepEqual(container?.args, ['serve', 'a b', '$HOME', '$$(x)'])
  assert.deepEqual(container?.env, [{ name: 'A', value: '1' }])
  assert.deepEqual(container?.securityContext, {
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
    runAsUser: 1000,
    runAsGroup: 2000,
  })
  assert.deepEqual(container?.resources, { limits: { cpu: '500m', memory: '67108864' } })
  assert.equal(pod?.terminationGracePeriodSeconds, 90)
  assert.equal(pod?.automountServiceAccountToken, false)
  assert.deepEqual(container?.lifecycle, { stopSignal: 'SIGINT' })
})

test('published ports are reached from outside, exposed ones from inside, and a service without ports has a name', () => {
  const converted = convert(service(`ports: ["8080:80", "53:53/udp"]\nexpose: ["9000"]`).concat('\n  db: {image: db}\n'))
  const inside = find<core.Service>(converted, 'Service', 'web')
  assert.deepEqual(
    inside.spec?.ports?.map(({ port, protocol }) => `${port}/${protocol}`),
    ['80/TCP', '53/UDP', '9000/TCP'],
  )
  const outside = find<core.Service>(converted, 'Service', 'web-published')
  assert.equal(outside.spec?.type, 'LoadBalancer')
  assert.deepEqual(
    outside.spec?.ports?.map(({ port, targetPort }) => [port, targetPort]),
    [
      [8080, 80],
      [53, 53],
    ],
  )
  assert.equal(find<core.Service>(converted, 'Service', 'db').spec?.clusterIP, 'None')
})

test('aliases, links and container names resolve', () => {
  const converted = convert(
    'services:\n  web: {image: a, links: ["db:mysql"]}\n  db: {image: b, container_name: db_1, networks: {default: {aliases: [store]}}}\n',
  )
  for (const name of ['db', 'mysql', 'db-1', 'store']) find(converted, 'Service', name)
})

test('a named volume is a claim, a bind the path of the node, and a service with a claim stops before the next one starts', () => {
  const converted = convert(`${service('volumes: ["data:/data", "./f.conf:/etc/f.conf:ro", "/tmp/x:/x"]')}\nvolumes: {data: }\n`, {
    '/shop/f.conf': 'x',
  })
  const deployment = find<apps.Deployment>(converted, 'Deployment', 'web')
  assert.equal(deployment.spec?.strategy?.type, 'Recreate')
  assert.deepEqual(
    deployment.spec?.template.spec?.volumes?.map(({ name: _, ...volume }) => volume),
    [
      { persistentVolumeClaim: { claimName: 'data' } },
      { hostPath: { path: '/shop/f.conf', type: 'File' } },
      { hostPath: { path: '/tmp/x', type: 'DirectoryOrCreate' } },
    ],
  )
  find(converted, 'PersistentVolumeClaim', 'data')
})

test('what others wait for to complete is a Job, and dependencies start first', () => {
  const converted = convert(`services:
  a: {image: a, depends_on: {b: {condition: service_completed_successfully}, c: {condition: service_healthy}}}
  b: {image: b, restart: "on-failure:2"}
  c: {image: c, healthcheck: {test: [CMD, ok], interval: 2s, retries: 5}}
`)
  assert.deepEqual(
    converted.order.map((step) => step.service),
    ['b', 'c', 'a'],
  )
  const job = find<batch.Job>(converted, 'Job', 'b')
  assert.deepEqual([job.spec?.backoffLimit, job.spec?.template.spec?.restartPolicy], [2, 'OnFailure'])
  const probe = find<apps.Deployment>(converted, 'Deployment', 'c').spec?.template.spec?.containers[0]?.readinessProbe
  assert.deepEqual(probe, { exec: { command: ['ok'] }, periodSeconds: 2, timeoutSeconds: 30, failureThreshold: 5 })
})

test('services of different networks do not reach each other', () => {
  const converted = convert(
    'services:\n  a: {image: a, networks: [x]}\n  b: {image: b, networks: [y], ports: ["1:1"]}\nnetworks: {x: , y: }\n',
  )
  const policy = find<networking.NetworkPolicy>(converted, 'NetworkPolicy', 'network-x')
  assert.equal(policy.spec?.podSelector?.matchLabels?.['compose.sampan.io/network-x'], 'true')
  find(converted, 'NetworkPolicy', 'published-b')
  assert.equal(
    objectsOf(convert('services: {a: {image: a}, b: {image: b}}')).some(({ kind }) => kind === 'NetworkPolicy'),
    false,
  )
})

test('secrets and configs are single files', () => {
  const converted = convert(
    'services:\n  web: {image: a, secrets: [{source: s, mode: 0400}], configs: [{source: c, target: /etc/c}]}\nsecrets: {s: {file: ./s}}\nconfigs: {c: {content: hi}}\n',
    { '/shop/s': 'key' },
  )
  assert.deepEqual(find<core.Secret>(converted, 'Secret', 's').data, { s: Buffer.from('key').toString('base64') })
  const pod = find<apps.Deployment>(converted, 'Deployment', 'web').spec?.template.spec
  assert.deepEqual(
    pod?.containers[0]?.volumeMounts?.map(({ mountPath }) => mountPath),
    ['/etc/c', '/run/secrets/s'],
  )
  assert.equal(pod?.volumes?.[1]?.secret?.items?.[0]?.mode, 0o400)
})

test('the labels of the old container service', () => {
  const converted = convert(
    service(`labels:
  aliyun.scale: "3"
  aliyun.depends: db
  aliyun.latest_image: true
  aliyun.probe.url: http://container:8080/ping
  aliyun.rolling_updates: "true"
  aliyun.rolling_updates.parallelism: "2"
  aliyun.routing.port_80: "web;http://a.example.com/x"
  aliyun.lb.port_80: tcp://balancer:8080`).concat('\n  db: {image: db, labels: {aliyun.global: "true"}}\n'),
  )
  const { spec } = find<apps.Deployment>(converted, 'Deployment', 'web')
  assert.equal(spec?.replicas, 3)
  assert.deepEqual(spec?.strategy?.rollingUpdate, { maxSurge: 0, maxUnavailable: 2 })
  const [container] = spec?.template.spec?.containers ?? []
  assert.equal(container?.imagePullPolicy, 'Always')
  assert.deepEqual(container?.readinessProbe, {
    httpGet: { port: 8080, path: '/ping' },
    periodSeconds: 2,
    failureThreshold: 2,
    timeoutSeconds: 1,
  })
  assert.deepEqual(
    find<networking.Ingress>(converted, 'Ingress', 'web').spec?.rules?.map(({ host }) => host),
    ['web.sampan.local', 'a.example.com'],
  )
  find(converted, 'DaemonSet', 'db')
  assert.deepEqual(
    converted.order.map((step) => step.service),
    ['db', 'web'],
  )
})

test('clients of an address stay with their container unless that is said otherwise', () => {
  const annotations = (label: string): unknown =>
    find<networking.Ingress>(convert(service(`labels:\n  aliyun.routing.port_80: web${label}`)), 'Ingress', 'web').metadata?.annotations
  assert.deepEqual(annotations(''), {
    'nginx.ingress.kubernetes.io/affinity': 'cookie',
    'nginx.ingress.kubernetes.io/session-cookie-name': 'CONTAINERID',
    'nginx.ingress.kubernetes.io/session-cookie-max-age': '28800',
  })
  assert.deepEqual(annotations('\n  aliyun.routing.session_sticky: true'), annotations(''))
  assert.equal(annotations('\n  aliyun.routing.session_sticky: "false"'), undefined)
  assert.match(reasons(convert(service('labels: {aliyun.routing.session_sticky: "true"}')))[0] ?? '', /session_sticky: is for addresses/)
})

test('services share an address by weights, each of which has to be said', () => {
  const shop = (old: string, more: string): string => `services:
  web: {image: web, expose: ["80"], labels: {aliyun.routing.port_80: "shop.example.com;old.example.com"${old}}}
  web_v2: {image: web, expose: ["8080"], labels: {aliyun.routing.port_8080: "shop.example.com"${more}}}
`
  const weight = (value: number): string => `, aliyun.routing.weight: "${value}"`
  const converted = convert(shop(weight(100), weight(0)))
  const { metadata, spec } = find<networking.Ingress>(converted, 'Ingress', 'web')
  assert.equal(metadata?.annotations?.['sampan.io/service-weight'], 'web: 100, web-v2: 0')
  assert.equal(metadata?.annotations?.['sampan.io/sticky'], 'cookie')
  assert.deepEqual(
    spec?.rules?.map(({ host, http }) => [host, http?.paths.map(({ backend }) => [backend.service?.name, backend.service?.port?.number])]),
    [
      [
        'shop.example.com',
        [
          ['web', 80],
          ['web-v2', 8080],
        ],
      ],
      ['old.example.com', [['web', 80]]],
    ],
  )
  assert.equal(objectsOf(converted).filter(({ kind }) => kind === 'Ingress').length, 1)
  assert.match(reasons(convert(shop(weight(100), '')))[0] ?? '', /web_v2.*belongs to service web already: to share it, give both/)
  assert.match(reasons(convert(shop('', '')))[0] ?? '', /belongs to service web already/)
  assert.match(reasons(convert(shop(weight(0), weight(0)))).join(), /nobody would answer for shop\.example\.com\//)
  assert.match(reasons(convert(shop(weight(1), ', aliyun.routing.weight: "half"')))[0] ?? '', /half: a whole number from 0 to 1000000/)
  const alone = convert(service('labels: {aliyun.routing.port_80: web, aliyun.routing.weight: "5"}'))
  assert.deepEqual([alone.refusals, alone.notes.some(({ text }) => text.startsWith('has no effect'))], [[], true])
  assert.match(reasons(convert(service('labels: {aliyun.routing.weight: "5"}')))[0] ?? '', /is for addresses of the same service/)
})

test('a service scales between two bounds, a few containers at a time', () => {
  const scaled = (labels: Readonly<Record<string, string | number>>, more = 'cpus: 0.5\nmem_limit: 64m'): Converted =>
    convert(
      service(
        `${more}\nlabels:\n${Object.entries(labels)
          .map(([name, value]) => `  aliyun.auto_scaling.${name}: "${value}"`)
          .join('\n')}`,
      ),
    )
  const converted = scaled({ max_cpu: 70, min_cpu: 30, step: 2, min_instances: 2, max_instances: 6 })
  assert.deepEqual(find<autoscaling.HorizontalPodAutoscaler>(converted, 'HorizontalPodAutoscaler', 'web').spec, {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
    minReplicas: 2,
    maxReplicas: 6,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
    behavior: {
      scaleUp: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }], tolerance: '0' },
      scaleDown: { policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }], tolerance: '572m' },
    },
  })
  // Each `up` would take back what the autoscaler has said.
  assert.ok(!('replicas' in (find<apps.Deployment>(converted, 'Deployment', 'web').spec ?? {})))
  const behaviour = (labels: Readonly<Record<string, number>>) =>
    find<autoscaling.HorizontalPodAutoscaler>(scaled({ max_instances: 9, ...labels }), 'HorizontalPodAutoscaler', 'web').spec.behavior
  assert.deepEqual(behaviour({ max_memory: 80 })?.scaleDown, { selectPolicy: 'Disabled' })
  assert.deepEqual(behaviour({ min_memory: 20 })?.scaleUp, { selectPolicy: 'Disabled' })
  assert.equal(behaviour({ min_memory: 20 })?.scaleDown?.tolerance, '800m')
  for (const [labels, reason, more] of [
    [{ max_cpu: 70 }, /has no upper bound: give the service aliyun\.auto_scaling\.max_instances/],
    [{ step: 2, max_instances: 2 }, /says nothing without one of aliyun\.auto_scaling\.max_cpu/],
    [{ max_cpu: 40, max_instances: 2 }, /40: a whole number from 50 to 100/],
    [{ max_cpu: 60, min_cpu: 40, max_instances: 2 }, /60 is less than 30 above min_cpu, 40/],
    [{ max_cpu: 75, min_cpu: 45, max_instances: 2 }, /go back and forth: 1 at 75 % are 2 at 38 %, below min_cpu, 45/],
    [{ max_cpu: 70, step: 6, max_instances: 2 }, /6: a whole number from 1 to 5/],
    [{ max_cpu: 70, min_instances: 3, max_instances: 2 }, /2 is less than min_instances, 3/],
    [{ max_internetInRate: 70 }, /says nothing|without a published meaning/],
    [{ max_cpu: 70, max_instances: 2 }, /give it cpus or cpu_shares/, 'mem_limit: 1g'],
    [{ max_memory: 70, max_instances: 2 }, /give it mem_limit or mem_reservation/, 'cpus: 1'],
  ] as const)
    assert.match(reasons(scaled(labels, more)).join(), reason)
  assert.match(
    reasons(
      convert(
        service('cpus: 1\nlabels: {aliyun.global: "true", aliyun.auto_scaling.max_cpu: "70", aliyun.auto_scaling.max_instances: "2"}'),
      ),
    ).join(),
    /there is one container on each node/,
  )
})

test('where containers run is said among their environment, and is no variable of theirs', () => {
  const text = `services:
  web:
    image: web
    container_name: front
    environment:
      - A=1
      - constraint:group==1
      - constraint:aliyun.node_index!=2
      - constraint:disk==~ssd
      - affinity:service!=db
      - affinity:aliyun.lb.port_80!=~tcp://proxy:80
      - reschedule:off
    labels: {aliyun.lb.port_80: "tcp://proxy:80"}
  db: {image: db, environment: {"affinity:container": "=front"}}
`
  const pod = find<apps.Deployment>(convert(text), 'Deployment', 'web').spec?.template.spec
  assert.deepEqual(pod?.containers[0]?.env, [{ name: 'A', value: '1' }])
  const nodes = pod?.affinity?.nodeAffinity
  assert.deepEqual(nodes?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchExpressions, [
    { key: 'group', operator: 'In', values: ['1'] },
    { key: 'aliyun.node_index', operator: 'NotIn', values: ['2'] },
  ])
  assert.deepEqual(nodes?.preferredDuringSchedulingIgnoredDuringExecution?.[0]?.preference.matchExpressions, [
    { key: 'disk', operator: 'In', values: ['ssd'] },
  ])
  const apart = pod?.affinity?.podAntiAffinity
  const who = (term: core.PodAffinityTerm | undefined) => term?.labelSelector?.matchExpressions?.[0]?.values
  assert.deepEqual(who(apart?.requiredDuringSchedulingIgnoredDuringExecution?.[0]), ['db'])
  assert.deepEqual(who(apart?.preferredDuringSchedulingIgnoredDuringExecution?.[0]?.podAffinityTerm), ['web'])
  assert.deepEqual(
    pod?.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds]),
    [
      ['node.kubernetes.io/not-ready', undefined],
      ['node.kubernetes.io/unreachable', undefined],
    ],
  )
  const together = find<apps.Deployment>(convert(text), 'Deployment', 'db').spec?.template.spec?.affinity?.podAffinity
  assert.deepEqual(who(together?.requiredDuringSchedulingIgnoredDuringExecution?.[0]), ['web'])
  const wrong = ['constraint:a==b*', 'constraint:storagedriver==zfs', 'affinity:service==nobody', 'constraint:b=b', 'reschedule:often']
  const found = reasons(convert(service(`environment: [${wrong.map((one) => JSON.stringify(one)).join(', ')}]`)))
  assert.deepEqual(
    found.map((reason) => reason.split(': ').at(-1)),
    [
      'patterns are not matched here, give the whole value',
      'nodes have no label that says storagedriver',
      'no service of the project has service nobody',
      'write it as NAME==VALUE or NAME!=VALUE, with ~ after the sign for a wish',
      'on-node-failure or off',
    ],
  )
})

test('every wrong label is told with its reason, all at once', () => {
  const found = reasons(
    convert(
      service(`labels:
  aliyun.scale: many
  aliyun.routing.port_80: "ftp://a.example.com;Bad_Prefix;https://web;a.example.com;a.example.com;x.alicontainer.com;rest.local"
  aliyun.lb.port_x: tcp://b:1
  aliyun.probe.url: http://web/
  aliyun.log_store_a: stdout
  aliyun.unknown: x`),
    ),
  )
  for (const part of [
    'aliyun.scale: many',
    'unknown scheme ftp',
    'Bad_Prefix',
    'https needs a domain',
    'stands there twice',
    'alicontainer.com',
    'names that only containers know',
    'aliyun.lb.port_x',
    'the host is the word container',
    'logs are not collected',
    'not known',
  ])
    assert.ok(
      found.some((reason) => reason.includes(part)),
      `${part} in\n${found.join('\n')}`,
    )
})

test('two services on one front port, one address or one name are refused', () => {
  const label = (value: string): string => `{image: a, labels: {${value}}}`
  const front = reasons(
    convert(`services:\n  a: ${label('aliyun.lb.port_80: "tcp://b:80"')}\n  b: ${label('aliyun.lb.port_81: "tcp://b:80"')}\n`),
  )
  assert.ok(front.some((reason) => reason.includes('belongs to service a already')))
  const names = reasons(convert('services:\n  a: {image: a}\n  b: {image: b, container_name: aa, networks: {default: {aliases: [a]}}}\n'))
  assert.ok(names.some((reason) => reason.includes('given twice')))
  const cycle = reasons(convert(`services:\n  a: ${label('aliyun.depends: b')}\n  b: ${label('aliyun.depends: a')}\n`))
  assert.ok(cycle.some((reason) => reason.includes('dependency cycle: a -> b -> a')))
})

test('keys without a meaning are refused, but not where they say what holds anyway', () => {
  assert.deepEqual(convert(service('logging: {driver: json-file}\nmem_limit: 1g\nmemswap_limit: 1g\nbuild: .')).refusals, [])
  const found = reasons(convert(service('ulimits: {nofile: 5}\ndevices: ["/dev/a"]\nnetwork_mode: none')))
  assert.equal(found.length, 3)
})
