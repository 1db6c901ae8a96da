import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError, certificatesOf, publicKeyPin, rfc3339, rootScope } from '#base'
import { isAlreadyExists, isNotFound, parseDuration, refs } from '#api'
import { formatTable } from '#cli'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import { applyObjects } from '#delivery'
import type { InstanceFlags, TokenCreateFlags } from '../../program/flags.ts'
import { type Instance, balancerPool, dnsService, firstFamily, serviceCidr } from '../../instance/instance.ts'
import { locateServer } from '../../instance/locate.ts'
import {
  TOKEN_NAMESPACE,
  TOKEN_SELECTOR,
  newToken,
  parseToken,
  secretName,
  tokenObject,
  tokenRow,
  tokenText,
} from '../../join/bootstrap-token.ts'
import { factsObject } from '../../join/cluster-facts.ts'
import { CLUSTER_INFO, clusterInfoText } from '../../join/cluster-info.ts'
import { readManifests } from '../../up/apply.ts'

const OBJECTS = join(import.meta.dirname, '../../join/objects')

/** `sampan token create`: opens the cluster to machines that have the token. Prints the token, or the command for the other machine, and nothing else. */
export async function runTokenCreate(given: string | undefined, flags: TokenCreateFlags): Promise<void> {
  using scope = rootScope()
  const { stateDir, instance } = locateServer(flags)
  refuseWithoutIPv4(instance)
  const ttlMs = parseDuration(flags.ttl)
  if (typeof ttlMs === 'string' || ttlMs < 0)
    throw new UserError(`not a duration: ${flags.ttl}`, 'give --ttl as in 30m or 24h; 0 is for ever')
  const token = given === undefined ? newToken(scope.random) : parseToken(given)
  const client = await administrator(stateDir)
  const server = `https://${instance.machineAddress}:${instance.securePort}`
  const authority = readFileSync(join(stateDir, 'ca.crt'), 'utf8')
  const info = { apiVersion: 'v1', kind: 'ConfigMap', metadata: CLUSTER_INFO, data: { kubeconfig: clusterInfoText({ server, authority }) } }
  await applyObjects(scope, client, [...readManifests(OBJECTS), factsObject(factsOfInstance(instance)), info], { fieldManager: 'sampan' })
  const wish = {
    ...(ttlMs === 0 ? {} : { endMs: scope.clock.now() + ttlMs }),
    ...(flags.description === undefined ? {} : { description: flags.description }),
  }
  try {
    await client.resource(refs.secrets).create(scope, tokenObject(token, wish))
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    throw new UserError(
      `there is a token ${token.id} already`,
      `delete it first (sampan token delete ${token.id}), or leave the choice to Sampan`,
    )
  }
  const pins = certificatesOf(authority).map((certificate) => `--discovery-token-ca-cert-hash ${publicKeyPin(certificate)}`)
  const command = ['sampan join', server.slice('https://'.length), `--token ${tokenText(token)}`, ...pins].join(' ')
  console.log(flags.printJoinCommand ? command : tokenText(token))
}

export async function runTokenList(flags: InstanceFlags): Promise<void> {
  using scope = rootScope()
  const client = await administrator(locateServer(flags).stateDir)
  const { items } = await client.resource(refs.secrets).list(scope, { namespace: TOKEN_NAMESPACE, fieldSelector: TOKEN_SELECTOR })
  const rows = items.map(tokenRow).map(({ id, endMs, usages, description, groups }) => {
    const ends =
      endMs === undefined ? 'never' : Number.isNaN(endMs) ? 'unreadable' : endMs < scope.clock.now() ? 'has ended' : rfc3339(endMs)
    return [id, ends, usages.join(','), description, groups.join(',')]
  })
  console.log(formatTable(['TOKEN', 'ENDS', 'USAGES', 'DESCRIPTION', 'EXTRA GROUPS'], rows))
}

/** By the id, or the whole token. */
export async function runTokenDelete(token: string, flags: InstanceFlags): Promise<void> {
  using scope = rootScope()
  const id = /^[a-z0-9]{6}$/.test(token) ? token : parseToken(token).id
  const client = await administrator(locateServer(flags).stateDir)
  try {
    await client.resource(refs.secrets).delete(scope, { namespace: TOKEN_NAMESPACE, name: secretName(id) })
  } catch (error) {
    if (isNotFound(error)) throw new UserError(`there is no token ${id}`, 'see them with: sampan token list')
    throw error
  }
  console.log(`deleted the token ${id}`)
}

const administrator = async (stateDir: string): Promise<Client> =>
  createClient({
    transport: socketTransport((await loadKubeconfig(join(stateDir, 'admin.kubeconfig'))).connection),
    fieldManager: 'sampan',
  })

/** What machines read when they join speaks of addresses of IPv4, and of those of IPv6 beside them. */
function refuseWithoutIPv4(instance: Instance): void {
  if (firstFamily(instance) !== 'IPv4')
    throw new UserError('machines cannot join a cluster of IPv6 alone', 'make one with --ip-families IPv4 or IPv4,IPv6')
}

const factsOfInstance = (instance: Instance): Parameters<typeof factsObject>[0] => ({
  networkMode: instance.networkMode,
  clusterCidr: instance.clusterCidr,
  serviceCidr: serviceCidr(instance),
  ...(instance.ipv6 === undefined ? {} : { clusterCidr6: instance.ipv6.clusterCidr, serviceCidr6: instance.ipv6.serviceCidr }),
  dnsService: dnsService(instance),
  dnsAddress: instance.dnsAddress,
  balancerPool: balancerPool(instance),
  failover: instance.failover ?? 'usual',
})
