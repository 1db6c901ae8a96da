import { type Methods, methodsOf } from '../cri/grpc/descriptors.ts'

/** pluginregistration.Registration: how a plugin of the node says what it is and where it is called. */
const TABLE = {
  PluginInfo: {
    type: [1, 'string'],
    name: [2, 'string'],
    endpoint: [3, 'string'],
    supported_versions: [4, 'string', 'repeated'],
  },
  RegistrationStatus: { plugin_registered: [1, 'bool'], error: [2, 'string'] },
  RegistrationStatusResponse: {},
  InfoRequest: {},
  Registration: {
    service: {
      GetInfo: ['InfoRequest', 'PluginInfo', ''],
      NotifyRegistrationStatus: ['RegistrationStatus', 'RegistrationStatusResponse', ''],
    },
  },
} as const

export interface PluginInfoMessage {
  readonly type: string
  readonly name: string
  readonly endpoint: string
  readonly supportedVersions: readonly string[]
}
export interface RegistrationStatusMessage {
  readonly pluginRegistered: boolean
  readonly error: string
}

export const registrationMethods = (): Methods => methodsOf('pluginregistration', TABLE)
