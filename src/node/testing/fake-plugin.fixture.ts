import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Scope } from '#base'
import { serveGrpc } from '../cri/grpc/serve.ts'
import { type PluginInfoMessage, type RegistrationStatusMessage, registrationMethods } from '../plugins/registration-api.ts'

/** The registration half of a plugin: says what it is at a socket, until its scope ends. What it is told is kept. */
export async function serveRegistration(
  scope: Scope,
  socketPath: string,
  info: Partial<PluginInfoMessage>,
): Promise<{ readonly told: RegistrationStatusMessage[] }> {
  const told: RegistrationStatusMessage[] = []
  const methods = registrationMethods()
  await mkdir(dirname(socketPath), { recursive: true })
  await serveGrpc(scope, socketPath, [
    [methods.get('Registration/GetInfo'), async () => info],
    [
      methods.get('Registration/NotifyRegistrationStatus'),
      async ({ pluginRegistered, error }: RegistrationStatusMessage) => {
        told.push({ pluginRegistered, error })
        return {}
      },
    ],
  ])
  return { told }
}
