import { SampanError } from '#base'

/** A container (or its pod) cannot start now. `reason` and message become its waiting state; it is tried again after a while. */
export class StartRefused extends SampanError {
  readonly code = 'START_REFUSED'
  readonly reason: string
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export const configError = (message: string, cause?: unknown): StartRefused =>
  new StartRefused('CreateContainerConfigError', message, { cause })

/** The pod can never run on this node: it fails. */
export class PodRejected extends SampanError {
  readonly code = 'POD_REJECTED'
  readonly reason: string
  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

/** What was asked of a container or pod that does not run. Said in these words, with status 500, as a kubelet does: clients show them as they are. */
export class NotRunning extends SampanError {
  readonly code = 'NOT_RUNNING'
}

/** A plugin of the node is not taken, or did not do what was asked of it. */
export class PluginRefused extends SampanError {
  readonly code = 'PLUGIN_REFUSED'
}
