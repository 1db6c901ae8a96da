import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type MachineCluster, eventually, machineCluster, noMachineCluster } from '#testing'
import { importToolbox, toolbox } from './toolbox.ts'

const MIB = 2 ** 20

const set = `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db }
spec:
  serviceName: db
  replicas: 2
  podManagementPolicy: Parallel
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db } }
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: { runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000 }
      containers:
        - name: db
          image: ${toolbox(1)}
          imagePullPolicy: IfNotPresent
          volumeMounts: [{ name: data, mountPath: /data }]
  volumeClaimTemplates:
    - metadata: { name: data }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 320Mi } } }
`

interface ClaimOptions {
  readonly storageClass?: string
  readonly storage?: string
  readonly volumeMode?: string
  readonly accessMode?: string
  readonly source?: string
}
const claim = (
  name: string,
  { storageClass, storage = '300Mi', volumeMode, accessMode = 'ReadWriteOnce', source }: ClaimOptions = {},
): string => `
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: ${name} }
spec:
  accessModes: [${accessMode}]
  resources: { requests: { storage: ${storage} } }
${storageClass === undefined ? '' : `  storageClassName: ${storageClass}\n`}${volumeMode === undefined ? '' : `  volumeMode: ${volumeMode}\n`}${source === undefined ? '' : `  dataSource: ${source}\n`}---`

const pod = (name: string, claimName: string, isBlock = false): string => `
apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: c
      image: ${toolbox(1)}
      imagePullPolicy: IfNotPresent
      ${isBlock ? 'volumeDevices: [{ name: v, devicePath: /dev/vol }]' : 'volumeMounts: [{ name: v, mountPath: /data }]'}
  volumes: [{ name: v, persistentVolumeClaim: { claimName: ${claimName} } }]
---`

/** Storage as it is after `up`: nothing is installed, nothing is prepared. */
describe('persistent volumes', { skip: noMachineCluster }, () => {
  let cluster: MachineCluster
  let folder: string
  const kubectl = (...args: readonly string[]): Promise<string> => cluster.mustKubectl(args)
  async function apply(text: string): Promise<void> {
    const file = join(folder, 'objects.yaml')
    writeFileSync(file, text)
    await kubectl('apply', '-f', file)
  }
  const node = (name: string, script: string): Promise<string> => kubectl('exec', name, '--', '/usr/local/bin/node', '-e', script)
  const write = (name: string, word: string): Promise<string> =>
    node(name, `const f = require('fs').openSync('/data/word', 'w'); require('fs').writeSync(f, '${word}'); require('fs').fsyncSync(f)`)
  const read = (name: string): Promise<string> => kubectl('exec', name, '--', '/bin/cat', '/data/word')
  const sizeIn = async (name: string): Promise<number> =>
    Number(await node(name, "const s = require('fs').statfsSync('/data'); console.log(s.blocks * s.bsize)"))
  const ready = (...names: readonly string[]): Promise<string> =>
    kubectl('wait', '--for=condition=Ready', '--timeout=90s', ...names.map((name) => `pod/${name}`))
  const eventsOf = (name: string): Promise<string> =>
    kubectl(
      'get',
      'events',
      '--field-selector',
      `involvedObject.name=${name}`,
      '-o',
      'jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}',
    )

  /** What volumes have on this machine that nobody else's have. */
  function traces(): {
    readonly loops: number
    readonly mounts: number
    readonly volumes: readonly string[]
    readonly staged: readonly string[]
  } {
    const { rootDir, storageDir, pluginsDir } = cluster.layout
    const loops = readdirSync('/sys/block').filter((name) => {
      try {
        return readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').startsWith(`${rootDir}/`)
      } catch {
        return false
      }
    })
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(rootDir) && /csi|globalmount/.test(line))
    const list = (dir: string): readonly string[] => {
      try {
        return readdirSync(dir, { recursive: true }).map(String)
      } catch {
        return []
      }
    }
    const staged = list(pluginsDir).filter((path) => /vol_data|globalmount|publish\//.test(path))
    return { loops: loops.length, mounts: mounts.length, volumes: list(join(storageDir, 'volumes')), staged }
  }

  before(async () => {
    cluster = await machineCluster('storage')
    folder = mkdtempSync(join(tmpdir(), 'sampan-storage-'))
    await cluster.must('up', '--no-example')
    await importToolbox(cluster)
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await cluster.remove()
  })

  it('there is a default class', async () => {
    const shown = await kubectl('get', 'storageclass')
    assert.match(shown, /^standard \(default\)\s+local\.sampan\.dev\s+Delete\s+WaitForFirstConsumer\s+true/m)
    assert.match(shown, /^directory\s+local\.sampan\.dev\s+Delete\s+WaitForFirstConsumer\s+false/m)
  })

  it('a StatefulSet gets its volumes, writable for its group and no larger than asked for', async () => {
    await apply(set)
    await kubectl('rollout', 'status', 'statefulset/db', '--timeout=90s')
    await Promise.all([write('db-0', 'zero'), write('db-1', 'one')])
    assert.match(
      await node('db-0', "const s = require('fs').statSync('/data'); console.log(s.gid, (s.mode & 0o7777).toString(8))"),
      /^2000 2[0-7]7[0-7]/,
    )
    const fill =
      "const { writeFileSync } = require('fs'); try { writeFileSync('/data/big', Buffer.alloc(400 * 2 ** 20)) } catch (e) { console.log(e.code) } finally { require('fs').rmSync('/data/big') }"
    assert.equal((await node('db-1', fill)).trim(), 'ENOSPC')
  })

  it('data outlives pods', async () => {
    await kubectl('delete', 'pod', 'db-0', '--wait=true')
    await kubectl('rollout', 'status', 'statefulset/db', '--timeout=60s')
    assert.equal(await read('db-0'), 'zero')
  })

  it('data, and the pods, outlive an agent that is killed', async () => {
    const before = cluster.pids().agent ?? assert.fail('no agent')
    process.kill(before, 'SIGKILL')
    await eventually('another agent runs', () => ![undefined, before].includes(cluster.pids().agent))
    assert.equal(await eventually('the node answers', () => read('db-1')), 'one')
    await kubectl('delete', 'pod', 'db-1', '--wait=true')
    await kubectl('rollout', 'status', 'statefulset/db', '--timeout=60s')
    assert.equal(await read('db-1'), 'one')
    assert.equal(traces().loops, 2)
  })

  it('a volume grows under a running pod', async () => {
    const before = await sizeIn('db-0')
    await kubectl('patch', 'pvc', 'data-db-0', '-p', '{"spec":{"resources":{"requests":{"storage":"640Mi"}}}}')
    await kubectl('wait', '--for=jsonpath={.status.capacity.storage}=640Mi', 'pvc/data-db-0', '--timeout=30s')
    const after = await sizeIn('db-0')
    assert.ok(after > before + 250 * MIB, `${before} became ${after}`)
    assert.equal(await read('db-0'), 'zero')
    assert.equal(await kubectl('get', 'pvc', 'data-db-0', '-o', 'jsonpath={.status.conditions}'), '')
  })

  it('the node tells how full volumes are', async () => {
    const summary = JSON.parse(await kubectl('get', '--raw', `/api/v1/nodes/${cluster.instance.nodes[0].name}/proxy/stats/summary`)) as {
      readonly pods: readonly {
        readonly volume?: readonly { readonly pvcRef?: { readonly name: string }; readonly capacityBytes: number }[]
      }[]
    }
    const told = summary.pods.flatMap(({ volume = [] }) => volume).find(({ pvcRef }) => pvcRef?.name === 'data-db-0')
    assert.ok((told?.capacityBytes ?? 0) > 500 * MIB, JSON.stringify(told))
  })

  it('a pod can have the device itself, or a plain directory', async () => {
    await apply(
      claim('raw', { volumeMode: 'Block', storage: '64Mi' }) +
        pod('raw', 'raw', true) +
        claim('plain', { storageClass: 'directory' }) +
        pod('plain', 'plain'),
    )
    await ready('raw', 'plain')
    const script =
      "const fs = require('fs'); const f = fs.openSync('/dev/vol', 'r+'); fs.writeSync(f, 'device', 4096); const b = Buffer.alloc(6); fs.readSync(f, b, 0, 6, 4096); console.log(String(b), fs.statSync('/dev/vol').isBlockDevice())"
    assert.equal((await node('raw', script)).trim(), 'device true')
    await write('plain', 'plain')
    assert.equal(await read('plain'), 'plain')
  })

  it('a snapshot keeps what was there, claims can start from it and from each other', async () => {
    const snapshots = join(import.meta.dirname, '../../examples/snapshots')
    await kubectl('apply', '-f', join(snapshots, 'kinds.yaml'))
    await kubectl('wait', '--for=condition=Established', 'crd/volumesnapshotclasses.snapshot.storage.k8s.io', '--timeout=30s')
    await kubectl('apply', '-f', join(snapshots, 'class.yaml'))
    await write('db-1', 'before')
    await apply(
      'apiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshot\nmetadata: { name: moment }\nspec: { source: { persistentVolumeClaimName: data-db-1 } }\n',
    )
    await kubectl('wait', '--for=jsonpath={.status.readyToUse}=true', 'volumesnapshot/moment', '--timeout=30s')
    await write('db-1', 'after')
    await apply(
      claim('restored', { storage: '320Mi', source: '{ apiGroup: snapshot.storage.k8s.io, kind: VolumeSnapshot, name: moment }' }) +
        pod('restored', 'restored') +
        claim('cloned', { storage: '400Mi', source: '{ kind: PersistentVolumeClaim, name: data-db-1 }' }) +
        pod('cloned', 'cloned'),
    )
    await ready('restored', 'cloned')
    assert.deepEqual([await read('restored'), await read('cloned'), await read('db-1')], ['before', 'after', 'after'])
    // The journal takes 64 MiB of either: the copy has what it was asked to have more.
    assert.ok((await sizeIn('cloned')) - (await sizeIn('restored')) > 70 * MIB)
    await kubectl('delete', 'volumesnapshot/moment', 'pod/restored', 'pod/cloned', '--wait=true')
    await eventually('the content is gone', async () => (await kubectl('get', 'volumesnapshotcontents', '-o', 'name')) === '')
    assert.deepEqual(readdirSync(join(cluster.layout.storageDir, 'snapshots')), [])
  })

  it('what cannot be had is refused, and it is said why', async () => {
    await apply(
      claim('huge', { storage: '500Ti' }) + pod('huge', 'huge') + claim('many', { accessMode: 'ReadWriteMany' }) + pod('many', 'many'),
    )
    await eventually('the scheduler says why', async () => /did not have enough free storage/.test(await eventsOf('huge')))
    await eventually('the provisioner says why', async () => /cannot be ReadWriteMany/.test(await eventsOf('many')))
    await kubectl('delete', 'pod/huge', 'pod/many', 'pvc/huge', 'pvc/many')
  })

  it('a retained volume keeps its data when its claim goes', async () => {
    await apply(claim('retained') + pod('retained', 'retained'))
    await ready('retained')
    const volume = await kubectl('get', 'pvc', 'retained', '-o', 'jsonpath={.spec.volumeName}')
    await kubectl('patch', 'pv', volume, '-p', '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
    await kubectl('delete', 'pod/retained', 'pvc/retained', '--wait=true')
    await kubectl('wait', '--for=jsonpath={.status.phase}=Released', `pv/${volume}`, '--timeout=30s')
    await kubectl('delete', 'pv', volume, '--wait=true')
    const { storageDir } = cluster.layout
    assert.ok(readdirSync(join(storageDir, 'volumes')).includes(volume))
    rmSync(join(storageDir, 'volumes', volume), { recursive: true })
  })

  it('nothing is left when all is deleted', async () => {
    await kubectl('delete', 'statefulset/db', 'pod/raw', 'pod/plain', '--wait=true')
    await kubectl('delete', 'pvc', '--all', '--wait=true')
    await eventually('the volumes are gone', async () => (await kubectl('get', 'pv', '-o', 'name')) === '')
    await eventually('nothing is left on the machine', () => {
      const { loops, mounts, volumes, staged } = traces()
      return loops === 0 && mounts === 0 && volumes.length === 0 && staged.length === 0
    }).catch((error: unknown) => {
      throw new Error(`left: ${JSON.stringify(traces())}`, { cause: error })
    })
  })
})
