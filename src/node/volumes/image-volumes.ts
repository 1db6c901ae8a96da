import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scope } from '#base'
import type { ContainerRuntime } from '../cri/runtime.ts'
import { mountPoints, mountReadOnly } from './mounts.ts'

/** Kubelet's name for the kind. */
export const IMAGE_VOLUMES = 'kubernetes.io~image'

const keyOf = (podUid: string, volume: string): string => `sampan-volume-${podUid}-${volume}`

/** Shows an image's files at a place of the pod's: read-only, and nothing in them can be executed. Idempotent. */
export async function mountImage(
  scope: Scope,
  runtime: Pick<ContainerRuntime, 'viewImage'>,
  imageId: string,
  at: { readonly podDir: string; readonly podUid: string; readonly volume: string },
): Promise<void> {
  const target = join(at.podDir, 'volumes', IMAGE_VOLUMES, at.volume)
  if ((await mountPoints(target)).includes(target)) return
  const view = await runtime.viewImage(scope, imageId, keyOf(at.podUid, at.volume))
  await mkdir(target, { recursive: true, mode: 0o755 })
  await mountReadOnly(scope, view, target)
}

/** Lets the runtime forget the views of a pod; what they were mounted on is unmounted already. */
export async function dropImages(
  scope: Scope,
  runtime: Pick<ContainerRuntime, 'dropImageView'>,
  podDir: string,
  podUid: string,
): Promise<void> {
  const volumes = await readdir(join(podDir, 'volumes', IMAGE_VOLUMES)).catch(() => [])
  for (const volume of volumes) await runtime.dropImageView(scope, keyOf(podUid, volume))
}
