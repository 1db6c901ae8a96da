import { execFileSync } from 'node:child_process'
import { type Scope } from '#base'
import { type MachineFacts, containerdRuntime, layoutOf, runningContainerd } from '#node'
import type { Instance } from '../instance/instance.ts'
import { hostOptions } from '../up/commands.ts'
import type { RuntimeFacts } from './doctor-facts.ts'

const ANSWERS_WITHIN_MS = 5000

/** What the cluster's containerd tells, as its node believes it; where none runs, what programs of the versions that are there would tell. */
export async function lookAtRuntime(
  scope: Scope,
  { programs }: MachineFacts,
  stateDir: string,
  instance: Instance | undefined,
): Promise<RuntimeFacts> {
  const containerd = programs.containerd === undefined ? undefined : containerdVersion(said(programs.containerd, '--version'))
  const runc = programs.runc === undefined ? undefined : /version (\S+)/.exec(said(programs.runc, '--version'))?.[1]
  const layout = instance === undefined ? undefined : layoutOf(hostOptions(stateDir, instance))
  if (layout === undefined || runningContainerd(layout) === undefined) {
    const isSecond = Number.parseInt(containerd ?? '0') >= 2
    const features = programs.runc === undefined ? NO_FEATURES : featuresOf(said(programs.runc, 'features'))
    return {
      containerd,
      runc,
      told: false,
      userNamespaces: isSecond && features.idMappedMounts,
      recursiveReadOnlyMounts: isSecond && features.recursiveReadOnlyMounts,
      supplementalGroupsPolicy: isSecond,
    }
  }
  using limited = scope.child({ timeoutMs: ANSWERS_WITHIN_MS })
  const runtime = containerdRuntime(layout.containerd.socket)
  const [{ version }, { handlers, features }] = await Promise.all([runtime.version(limited), runtime.status(limited)])
  const usual = handlers.find(({ name }) => name === '')
  return {
    containerd: containerdVersion(version),
    runc,
    told: true,
    userNamespaces: usual?.userNamespaces === true,
    recursiveReadOnlyMounts: usual?.recursiveReadOnlyMounts === true,
    supplementalGroupsPolicy: features?.supplementalGroupsPolicy === true,
  }
}

export const containerdVersion = (text: string): string | undefined => /\bv?(\d+\.\d+\.\d+[-.\w]*)/.exec(text)?.[1]

const NO_FEATURES = { idMappedMounts: false, recursiveReadOnlyMounts: false }

/** Of what `runc features` prints; an older one knows no such word, and can none of it. */
export function featuresOf(json: string): typeof NO_FEATURES {
  if (json === '') return NO_FEATURES
  const { mountOptions = [], linux } = JSON.parse(json) as {
    readonly mountOptions?: readonly string[]
    readonly linux?: { readonly mountExtensions?: { readonly idmap?: { readonly enabled?: boolean } } }
  }
  return { idMappedMounts: linux?.mountExtensions?.idmap?.enabled === true, recursiveReadOnlyMounts: mountOptions.includes('rro') }
}

/** What a program says of itself; empty where it fails. */
function said(program: string, word: string): string {
  try {
    return execFileSync(program, [word], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}
