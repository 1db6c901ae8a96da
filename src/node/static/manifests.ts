import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { type Scope, messageOf, readYamlDocuments, rfc3339 } from '#base'
import type { core } from '#api'
import { CONFIG_HASH, CONFIG_SEEN, CONFIG_SOURCE } from '../pods/pod-facts.ts'

const LARGEST_BYTES = 10 * 1024 * 1024
const KINDS = ['.yaml', '.yml', '.json']

/** A file that stays as it is gives the same pod each time; a changed file gives another one. Throws what is wrong with it. */
export function staticPodOf(text: string, path: string, nodeName: string, nowMs: number): core.Pod {
  const [document, ...more] = readYamlDocuments(text)
  if (more.length > 0) throw new Error('one file is one pod')
  if (document === null || typeof document !== 'object') throw new Error('it holds no object')
  const pod = document as core.Pod
  if (pod.apiVersion !== 'v1' || pod.kind !== 'Pod') throw new Error('it holds no v1 Pod')
  if (pod.metadata?.name === undefined || !Array.isArray(pod.spec?.containers) || pod.spec.containers.length === 0)
    throw new Error('the pod has no name or no containers')
  verify(pod)
  const hash = createHash('sha256')
    .update(JSON.stringify([nodeName, path, text]))
    .digest('hex')
    .slice(0, 32)
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      name: `${pod.metadata.name}-${nodeName.toLowerCase()}`,
      namespace: pod.metadata.namespace ?? 'default',
      uid: hash,
      annotations: { ...pod.metadata.annotations, [CONFIG_HASH]: hash, [CONFIG_SEEN]: rfc3339(nowMs), [CONFIG_SOURCE]: 'file' },
    },
    spec: {
      ...pod.spec,
      nodeName,
      // It has no scheduler, and nobody who would bring it back: no taint drives it away.
      tolerations: [...(pod.spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
  }
}

/** A file of the node gives a pod nothing that the API guards. */
function verify(pod: core.Pod): void {
  const {
    volumes = [],
    containers = [],
    initContainers = [],
    serviceAccountName,
    resourceClaims = [],
    ephemeralContainers = [],
  } = pod.spec ?? {}
  if (serviceAccountName !== undefined && serviceAccountName !== '') throw new Error('a static pod may not use a service account')
  if (resourceClaims.length > 0) throw new Error('a static pod may not use resource claims')
  if (ephemeralContainers.length > 0) throw new Error('a static pod has no ephemeral containers')
  for (const volume of volumes) {
    const kinds = ['configMap', 'secret', 'persistentVolumeClaim', 'ephemeral', 'projected'] as const
    const kind = kinds.find((one) => volume[one] !== undefined)
    if (kind !== undefined)
      throw new Error(`a static pod may not use objects of the API: volume ${JSON.stringify(volume.name)} is a ${kind}`)
  }
  for (const { name, env = [], envFrom = [] } of [...initContainers, ...containers]) {
    const refers =
      envFrom.length > 0 || env.some(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined || valueFrom?.configMapKeyRef !== undefined)
    if (refers) throw new Error(`a static pod may not use objects of the API: the environment of ${JSON.stringify(name)} refers to one`)
  }
}

/** The pods of a directory's files, by uid. A file that cannot be used is said once per change of it, and is as good as not there. */
export async function readManifests(
  scope: Scope,
  dir: string,
  nodeName: string,
  complained: Map<string, string>,
): Promise<Map<string, core.Pod>> {
  const pods = new Map<string, core.Pod>()
  const files = (await readdir(dir).catch(() => [])).filter((file) => !file.startsWith('.') && KINDS.includes(extname(file))).sort()
  for (const file of files) {
    const path = join(dir, file)
    try {
      const bytes = await readFile(path)
      if (bytes.length > LARGEST_BYTES) throw new Error(`it is larger than ${LARGEST_BYTES} bytes`)
      const pod = staticPodOf(bytes.toString('utf8'), path, nodeName, scope.clock.now())
      pods.set(pod.metadata?.uid ?? '', pod)
      complained.delete(path)
    } catch (error) {
      const complaint = messageOf(error)
      if (complained.get(path) !== complaint) scope.log.warn('a file is not a static pod', { path, error: complaint })
      complained.set(path, complaint)
    }
  }
  return pods
}
