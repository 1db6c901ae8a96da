import { type Scope, messageOf } from '#base'
import { StatusError, refs } from '#api'
import type { Client } from '#client'
import { untilServed } from '../gateway-api/install.ts'
import { TRAFFIC_GROUP, TRAFFIC_PLURAL } from './policy.ts'

/** Makes the gateway's own kind as it is here, and resolves when it is served. False, and said in the log: it may not, and there are no policies. */
export async function installTrafficPolicies(scope: Scope, client: Client): Promise<boolean> {
  const { trafficDefinition } = await import('./definition.ts')
  try {
    const name = `${TRAFFIC_PLURAL}.${TRAFFIC_GROUP}`
    const applied = await client
      .resource(refs.customresourcedefinitions)
      .patch(scope, { name }, { type: 'apply', body: trafficDefinition }, { fieldManager: 'sampan-gateway', force: true })
    await untilServed(scope, client, applied)
    return true
  } catch (error) {
    scope.check()
    if (!(error instanceof StatusError)) throw error
    scope.log.error('TrafficPolicies are not served', { problem: messageOf(error) })
    return false
  }
}
