import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { type MachineCluster, machineCluster, noMachineCluster } from '#testing'
import { eventually } from '#testing/basics'
import { importToolbox, toolbox } from './toolbox.ts'

/** What does not work yet, by the name of its test, with the reason. The list is the place to look; empty is the aim. */
const NOT_YET: Readonly<Record<string, string>> = {}

const test = (name: string, run: () => Promise<void>): void => {
  it(name, { skip: NOT_YET[name] ?? false }, run)
}

const manifest = (replicas: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 2
      containers:
        - name: web
          image: ${toolbox(1)}
          imagePullPolicy: IfNotPresent
          ports: [{ name: http, containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: http }]
`

/** The whole of daily work with the real kubectl, in the order in which a person would do it. */
describe('kubectl 1.35', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let folder: string
  let file: string
  const kubectl = (...args: readonly string[]): Promise<string> => cluster.mustKubectl(args)
  const refused = async (...args: readonly string[]): Promise<{ readonly code: number; readonly stderr: string }> => {
    const result = await cluster.kubectl(args)
    assert.notEqual(result.code, 0, `kubectl ${args.join(' ')} should have been refused: ${result.stdout}`)
    return result
  }
  const rolledOut = (name = 'web'): Promise<string> => kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s')
  const podNames = async (selector = 'app=web'): Promise<readonly string[]> => {
    const listed = await kubectl(
      'get',
      'pods',
      '-l',
      selector,
      '--field-selector=status.phase=Running',
      '-o',
      'go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\\n"}}{{end}}{{end}}',
    )
    return listed.split('\n').filter((line) => line !== '')
  }
  const aPod = async (): Promise<string> =>
    (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}')).trim()

  before(async () => {
    cluster = await machineCluster('kubectl')
    folder = mkdtempSync(join(tmpdir(), 'sampan-kubectl-'))
    file = join(folder, 'web.yaml')
    await cluster.must('up', '--no-example')
    await importToolbox(cluster)
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await cluster.remove()
  })

  test('version', async () => {
    const { clientVersion, serverVersion } = JSON.parse(await kubectl('version', '-o', 'json')) as Record<
      'clientVersion' | 'serverVersion',
      { minor: string }
    >
    assert.equal(clientVersion.minor, '35')
    assert.equal(serverVersion.minor, '36')
  })

  test('apply', async () => {
    writeFileSync(file, manifest(2))
    assert.equal(await kubectl('apply', '-f', file), 'deployment.apps/web created\nservice/web created\n')
    await rolledOut()
  })

  test('apply again changes nothing', async () => {
    const version = (): Promise<string> => kubectl('get', 'service', 'web', '-o', 'jsonpath={.metadata.resourceVersion}')
    const before = await version()
    assert.equal(await kubectl('apply', '-f', file), 'deployment.apps/web unchanged\nservice/web unchanged\n')
    assert.equal(await version(), before)
  })

  test('apply refuses a field that does not exist', async () => {
    const wrong = join(folder, 'wrong.yaml')
    writeFileSync(wrong, 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: wrong }\ndatum: { a: b }\n')
    assert.match((await refused('apply', '-f', wrong)).stderr, /unknown field "datum"/)
  })

  test('server-side apply, again, and its conflict', async () => {
    const map = join(folder, 'map.yaml')
    const write = (value: string): void =>
      writeFileSync(map, `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: map }\ndata: { key: ${value} }\n`)
    const version = (): Promise<string> => kubectl('get', 'configmap', 'map', '-o', 'jsonpath={.metadata.resourceVersion}')
    write('one')
    assert.equal(await kubectl('apply', '--server-side', '-f', map), 'configmap/map serverside-applied\n')
    const before = await version()
    await kubectl('apply', '--server-side', '-f', map)
    assert.equal(await version(), before)
    write('two')
    assert.match(
      (await refused('apply', '--server-side', '--field-manager=other', '-f', map)).stderr,
      /conflict with "kubectl".*\n?.*\.data\.key/,
    )
    await kubectl('apply', '--server-side', '--field-manager=other', '--force-conflicts', '-f', map)
    assert.equal(await kubectl('get', 'configmap', 'map', '-o', 'jsonpath={.data.key}'), 'two')
  })

  test('diff: 0 without a difference, 1 with one', async () => {
    assert.deepEqual((({ code, stdout }) => ({ code, stdout }))(await cluster.kubectl(['diff', '-f', file])), { code: 0, stdout: '' })
    const changed = join(folder, 'changed.yaml')
    writeFileSync(changed, manifest(3))
    const { code, stdout } = await cluster.kubectl(['diff', '-f', changed])
    assert.equal(code, 1)
    assert.match(stdout, /^-\s+replicas: 2$/m)
    assert.match(stdout, /^\+\s+replicas: 3$/m)
  })

  test('get in every form', async () => {
    assert.match(await kubectl('get', 'deployments'), /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 +2 +2 +\S+\n$/)
    assert.match(
      await kubectl('get', 'deployment', 'web', '-o', 'wide'),
      new RegExp(`CONTAINERS +IMAGES +SELECTOR\\nweb .* web +${toolbox(1)} +app=web\\n`),
    )
    assert.match(
      await kubectl('get', 'pods', '-o', 'wide'),
      /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\nweb-\S+ +1\/1 +Running +0 +\S+ +10(?:\.\d+){3} +sampan-/,
    )
    assert.match(await kubectl('get', 'deployment', 'web', '-o', 'yaml'), /^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n/)
    assert.equal((JSON.parse(await kubectl('get', 'deployment', 'web', '-o', 'json')) as { spec: { replicas: number } }).spec.replicas, 2)
    assert.equal(await kubectl('get', 'deployment,service', '-l', 'app=web', '-o', 'name'), 'deployment.apps/web\n')
    assert.equal(await kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas} {.metadata.labels.app}'), '2 web')
    assert.equal(await kubectl('get', 'deployment', 'web', '-o', 'custom-columns=A:.metadata.name,B:.spec.replicas'), 'A     B\nweb   2\n')
    assert.equal(await kubectl('get', 'deployment', 'web', '-o', 'go-template={{.metadata.name}}={{.spec.replicas}}'), 'web=2')
    assert.match(await kubectl('get', 'nodes'), /^NAME +STATUS +ROLES +AGE +VERSION\n\S+ +Ready +\S+ +\S+ +v1\.36/)
    assert.match(await kubectl('get', 'all', '-A', '--show-labels'), /replicaset\.apps\/web-/)
    assert.match(await kubectl('get', 'events', '--sort-by=.metadata.creationTimestamp'), /Started/)
    assert.match((await refused('get', 'pod', 'nobody')).stderr, /pods "nobody" not found/)
  })

  test('describe', async () => {
    const deployment = await kubectl('describe', 'deployment', 'web')
    assert.match(deployment, /Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable/)
    assert.match(deployment, /ScalingReplicaSet/)
    const pod = await kubectl('describe', 'pod', await aPod())
    assert.match(pod, /Status: +Running/)
    assert.match(pod, /Successfully assigned default\/web-/)
    assert.match(await kubectl('describe', 'service', 'web'), /Endpoints: +10(?:\.\d+){3}:8080,10(?:\.\d+){3}:8080/)
    assert.match(await kubectl('describe', 'node'), /Ready +True/)
  })

  test('explain', async () => {
    assert.match(await kubectl('explain', 'deployment.spec.replicas'), /FIELD: replicas <integer>/)
    assert.match(await kubectl('explain', 'pod.spec.containers'), /FIELD: containers <\[\]Container>[^]*image\t<string>/)
  })

  test('api-resources and api-versions', async () => {
    assert.match(await kubectl('api-resources', '--api-group=apps', '-o', 'name'), /^deployments\.apps$/m)
    assert.match(await kubectl('api-versions'), /^apps\/v1$/m)
  })

  test('edit', async () => {
    const editor = join(folder, 'editor.sh')
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/^    app: web$/    app: web\\n    edited: \\"yes\\"/" "$1"\n')
    chmodSync(editor, 0o755)
    const unchanged = await cluster.kubectl(['edit', 'service', 'web'], { env: { KUBE_EDITOR: 'true' } })
    assert.deepEqual([unchanged.code, unchanged.stderr], [0, 'Edit cancelled, no changes made.\n'])
    assert.equal(await cluster.mustKubectl(['edit', 'deployment', 'web'], { env: { KUBE_EDITOR: editor } }), 'deployment.apps/web edited\n')
    assert.equal(await kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.metadata.labels.edited}'), 'yes')
  })

  test('label and annotate', async () => {
    assert.equal(await kubectl('label', 'service', 'web', 'tier=front'), 'service/web labeled\n')
    assert.match((await refused('label', 'service', 'web', 'tier=back')).stderr, /'tier' already has a value \(front\)/)
    assert.equal(await kubectl('label', 'service', 'web', 'tier=back', '--overwrite'), 'service/web labeled\n')
    assert.equal(await kubectl('label', 'service', 'web', 'tier-'), 'service/web unlabeled\n')
    assert.equal(await kubectl('annotate', 'service', 'web', 'note=kept dry'), 'service/web annotated\n')
    assert.equal(await kubectl('get', 'service', 'web', '-o', 'jsonpath={.metadata.annotations.note}{.metadata.labels.tier}'), 'kept dry')
  })

  test('scale', async () => {
    assert.equal(await kubectl('scale', 'deployment/web', '--replicas=3'), 'deployment.apps/web scaled\n')
    await rolledOut()
    assert.equal((await podNames()).length, 3)
    assert.match(
      (await refused('scale', 'deployment/web', '--current-replicas=1', '--replicas=2')).stderr,
      /Expected replicas to be 1, was 3/,
    )
    await kubectl('scale', 'deployment/web', '--replicas=2')
    await rolledOut()
  })

  test('set image and rollout: status, history, undo, restart, pause', async () => {
    const image = (): Promise<string> => kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}')
    assert.equal(await kubectl('set', 'image', 'deployment/web', `web=${toolbox(2)}`), 'deployment.apps/web image updated\n')
    assert.match(await rolledOut(), /deployment "web" successfully rolled out/)
    assert.equal(await image(), toolbox(2))
    assert.match(await kubectl('rollout', 'history', 'deployment/web'), /REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>/)
    assert.match(await kubectl('rollout', 'history', 'deployment/web', '--revision=1'), new RegExp(toolbox(1)))
    assert.equal(await kubectl('rollout', 'undo', 'deployment/web'), 'deployment.apps/web rolled back\n')
    await rolledOut()
    assert.equal(await image(), toolbox(1))
    const before = await podNames()
    assert.equal(await kubectl('rollout', 'restart', 'deployment/web'), 'deployment.apps/web restarted\n')
    await rolledOut()
    assert.ok((await podNames()).every((name) => !before.includes(name)))
    assert.equal(await kubectl('rollout', 'pause', 'deployment/web'), 'deployment.apps/web paused\n')
    assert.equal(await kubectl('rollout', 'resume', 'deployment/web'), 'deployment.apps/web resumed\n')
  })

  test('wait', async () => {
    assert.equal(
      await kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=30s'),
      'deployment.apps/web condition met\n',
    )
    assert.match(await kubectl('wait', '--for=jsonpath={.status.phase}=Running', 'pod', '-l', 'app=web', '--timeout=30s'), /condition met/)
    assert.match((await refused('wait', '--for=condition=Imaginary', 'deployment/web', '--timeout=1s')).stderr, /timed out waiting/)
  })

  test('auth can-i, whoami and create token', async () => {
    assert.equal(await kubectl('auth', 'can-i', 'create', 'pods'), 'yes\n')
    const asNobody = await cluster.kubectl(['auth', 'can-i', 'create', 'pods', '--as=nobody'])
    assert.deepEqual([asNobody.code, asNobody.stdout], [1, 'no\n'])
    assert.match(await kubectl('auth', 'whoami'), /Groups +\[system:masters system:authenticated\]/)
    const token = (await kubectl('create', 'token', 'default', '--duration=10m')).trim()
    assert.equal(token.split('.').length, 3)
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }
    assert.equal(claims.sub, 'system:serviceaccount:default:default')
  })

  test('run, expose, create and patch', async () => {
    await kubectl('create', 'configmap', 'made', '--from-literal=a=b')
    assert.equal(
      await kubectl('patch', 'configmap', 'made', '--type=json', '-p', '[{"op":"add","path":"/data/c","value":"d"}]'),
      'configmap/made patched\n',
    )
    assert.equal(await kubectl('get', 'configmap', 'made', '-o', 'jsonpath={.data}'), '{"a":"b","c":"d"}')
    await kubectl('run', 'single', `--image=${toolbox(1)}`, '--image-pull-policy=IfNotPresent')
    await kubectl('wait', '--for=condition=Ready', 'pod/single', '--timeout=30s')
    assert.equal(await kubectl('expose', 'pod', 'single', '--port=80', '--target-port=8080'), 'service/single exposed\n')
    await kubectl('delete', 'pod/single', 'service/single', '--now')
  })

  test('delete in the background, in the foreground, and with orphans', async () => {
    const gone = (kind: string, selector: string): Promise<boolean> =>
      eventually(`no ${kind} of ${selector}`, async () => (await kubectl('get', kind, '-l', selector, '-o', 'name')) === '')
    for (const cascade of ['background', 'foreground']) {
      await kubectl('create', 'deployment', cascade, `--image=${toolbox(1)}`, '--replicas=1')
      await rolledOut(cascade)
      assert.equal(
        await kubectl('delete', 'deployment', cascade, `--cascade=${cascade}`),
        `deployment.apps "${cascade}" deleted from default namespace\n`,
      )
      if (cascade === 'foreground') assert.equal(await kubectl('get', 'replicasets,pods', '-l', `app=${cascade}`, '-o', 'name'), '')
      await gone('replicasets,pods', `app=${cascade}`)
    }
    await kubectl('create', 'deployment', 'orphan', `--image=${toolbox(1)}`)
    await rolledOut('orphan')
    const before = await podNames('app=orphan')
    await kubectl('delete', 'deployment', 'orphan', '--cascade=orphan')
    assert.match(await kubectl('get', 'replicasets', '-l', 'app=orphan', '-o', 'name'), /^replicaset\.apps\/orphan-/)
    assert.deepEqual(await podNames('app=orphan'), before)
    await kubectl('delete', 'replicaset', '-l', 'app=orphan')
    await gone('pods', 'app=orphan')
  })

  test('get -w ends in the true state over a restart of the server', async () => {
    const seen = new Map<string, string>()
    const watchArgs = [
      'get',
      'pods',
      '-l',
      'app=web',
      '-w',
      '--output-watch-events',
      '-o',
      'jsonpath={.type} {.object.metadata.name}{"\\n"}',
    ]
    const note = (output: string): void => {
      for (const line of output.split('\n')) {
        const [type, name] = line.split(' ')
        if (name !== undefined && type === 'DELETED') seen.delete(name)
        else if (name !== undefined && type !== undefined) seen.set(name, type)
      }
    }
    const first = cluster.startKubectl(watchArgs)
    await first.until(/ADDED web-/)
    // What is there comes from a list: the watch is under way when it tells of a change.
    const [pod = ''] = await podNames()
    await kubectl('annotate', 'pod', pod, 'watched=yes')
    await first.until(/MODIFIED web-/)
    const { server } = cluster.pids()
    assert.ok(server !== undefined)
    process.kill(server, 'SIGKILL')
    // kubectl ends when its watch is cut; a person starts it again.
    await first.ended
    note(first.stdout)
    await eventually('the server is back', async () => (await cluster.kubectl(['get', '--raw', '/readyz'])).code === 0)
    const second = cluster.startKubectl(watchArgs)
    try {
      await second.until(/ADDED web-/)
      await kubectl('scale', 'deployment/web', '--replicas=3')
      await rolledOut()
      const wanted = [...(await podNames())].sort()
      assert.equal(wanted.length, 3)
      await eventually('what was watched is what is there', () => {
        seen.clear()
        note(second.stdout)
        return JSON.stringify([...seen.keys()].sort()) === JSON.stringify(wanted)
      })
    } finally {
      await second.stop('SIGKILL')
    }
  })

  test('logs, followed and limited', async () => {
    const pod = await aPod()
    assert.match(await kubectl('logs', pod), /^serving version 1\n/)
    assert.match(await kubectl('logs', pod, '--tail=1'), /^[^\n]+\n$/)
    assert.match(await kubectl('logs', '-l', 'app=web', '--prefix', '--tail=1'), /^\[pod\/web-/)
    const follower = cluster.startKubectl(['logs', '-f', pod, '--tail=0', '--timestamps'])
    await follower.until(/^\d{4}-\S+Z tick\n[^]*tick/)
    await follower.stop('SIGINT')
    assert.match((await refused('logs', pod, '-c', 'nobody')).stderr, /container nobody is not valid for pod/)
  })

  test('exec: output, exit code, and 10 MB through cat', async () => {
    const pod = await aPod()
    assert.equal(await kubectl('exec', pod, '--', 'sh', '-c', 'echo $VERSION'), '1\n')
    const failed = await cluster.kubectl(['exec', pod, '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'])
    assert.deepEqual([failed.code, failed.stdout], [7, 'out\n'])
    assert.match(failed.stderr, /^err\n/)
    const sent = randomBytes(10 * 1024 * 1024)
    const { code, bytes, stderr } = await cluster.kubectl(['exec', '-i', pod, '--', 'cat'], { input: sent })
    assert.equal(code, 0, stderr)
    assert.equal(digest(bytes), digest(sent))
  })

  test('exec: why a program cannot be run is told, whatever input was under way to it', async () => {
    const pod = await aPod()
    const { code, stderr } = await cluster.kubectl(['exec', '-i', pod, '--', 'no-such-program'], { input: randomBytes(4 * 1024 * 1024) })
    assert.equal(code, 1)
    assert.match(stderr, /no-such-program.*not found/)
  })

  test('cp there and back', async () => {
    const pod = await aPod()
    const source = join(folder, 'source')
    mkdirSync(source, { recursive: true })
    writeFileSync(join(source, 'a.bin'), randomBytes(1024 * 1024))
    writeFileSync(join(source, 'b.txt'), 'b\n')
    await kubectl('cp', source, `${pod}:/tmp/copied`)
    await kubectl('cp', `${pod}:/tmp/copied`, join(folder, 'back'))
    for (const name of ['a.bin', 'b.txt'])
      assert.equal(digest(readFileSync(join(folder, 'back', name))), digest(readFileSync(join(source, name))))
  })

  test('port-forward', async () => {
    for (const target of ['service/web', 'deployment/web']) {
      const forward = cluster.startKubectl(
        ['port-forward', target, ':http'].map((word) => (target.startsWith('service') ? word : word.replace(':http', ':8080'))),
      )
      try {
        const port = /127\.0\.0\.1:(\d+) ->/.exec(await forward.until(/127\.0\.0\.1:\d+ ->/))?.[1]
        for (let round = 0; round < 3; round++) assert.equal(await fetchText(`http://127.0.0.1:${port ?? ''}/`), 'version 1\n')
      } finally {
        await forward.stop('SIGINT')
      }
    }
  })

  test('attach', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'echo' },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'echo', image: toolbox(1), imagePullPolicy: 'IfNotPresent', command: ['cat'], stdin: true, stdinOnce: true }],
      },
    }
    await cluster.mustKubectl(['create', '-f', '-'], { input: JSON.stringify(pod) })
    await kubectl('wait', '--for=condition=Ready', 'pod/echo', '--timeout=30s')
    const attached = cluster.startKubectl(['attach', '-i', 'echo'])
    attached.write('said once\n')
    await attached.until(/said once/)
    await attached.stop('SIGINT')
    await kubectl('delete', 'pod', 'echo', '--now')
  })

  test('delete of all that was applied', async () => {
    await kubectl('delete', '-f', file, '--wait')
    await eventually('no pod is left', async () => (await kubectl('get', 'pods', '-o', 'name')) === '')
  })
})

const digest = (bytes: Uint8Array): string => `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, timeout: 10_000 }, (response) => {
      text(response).then(resolve, reject)
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer from ${url}`))).on('error', reject)
    sent.end()
  })
}
