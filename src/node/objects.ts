import type { Scope } from '#base'
import type { core } from '#api'

/** The API objects that pods refer to, as the node sees them (named ones in the pod's namespace). A promise resolves undefined when the object does not exist. */
export interface ObjectSource {
  configMap(scope: Scope, pod: core.Pod, name: string): Promise<core.ConfigMap | undefined>
  secret(scope: Scope, pod: core.Pod, name: string): Promise<core.Secret | undefined>
  claim(scope: Scope, pod: core.Pod, name: string): Promise<core.PersistentVolumeClaim | undefined>
  volume(scope: Scope, name: string): Promise<core.PersistentVolume | undefined>
  /** A token for the pod's service account; kept until it has to be renewed. */
  serviceAccountToken(scope: Scope, pod: core.Pod, audience: string | undefined, expirationSeconds: number): Promise<ServiceAccountToken>
  /** Services of the pod's namespace, and `kubernetes` of the namespace `default`. Resolves once they are known. */
  services(scope: Scope, pod: core.Pod): Promise<{ readonly own: readonly core.Service[]; readonly kubernetes: core.Service | undefined }>
  /** Runs `changed` whenever a ConfigMap or Secret that this pod asked for has changed. */
  onChange(podUid: string, changed: () => void): void
  /** The pod is gone: what only it needed is no longer watched. */
  release(podUid: string): void
}

export interface ServiceAccountToken {
  readonly token: string
  /** From then on a new one is to be asked for. */
  readonly renewAtMs: number
  readonly expiresAtMs: number
}
