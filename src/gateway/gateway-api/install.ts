import type { Scope } from '#base'
import { StatusError, type apiextensions, isNotFound, refs } from '#api'
import type { Client } from '#client'
import { CONTROLLER } from '../model/classes.ts'
import { GROUP, gatewayRefs } from './kinds.ts'

type Definition = apiextensions.CustomResourceDefinition

export interface Installed {
  /** Every kind is there in a version that is spoken here. */
  readonly isUsable: boolean
  /** All of them say that they are of a bundle that is known here. */
  readonly isRecognized: boolean
  /** How many kinds were not there before. */
  readonly made: number
  readonly problems: readonly string[]
}

const NEEDED = Object.values(gatewayRefs).map(({ plural, version }) => ({ name: `${plural}.${GROUP}`, version }))
const OLDEST = 'v1.5.0'
const KNOWN_BUNDLES = /^v1\.[56]\./
const CLASS = 'sampan'

/**
 * Makes the kinds of Gateway API that are not there, and waits until they are served. One that is there belongs to whoever made it, and is never changed; where
 * it lacks the version that is spoken here, that is a problem with its name.
 */
export async function installGatewayApi(scope: Scope, client: Client): Promise<Installed> {
  const resource = client.resource(refs.customresourcedefinitions)
  const problems: string[] = []
  let made = 0
  let isRecognized = true
  await Promise.all(
    NEEDED.map(async ({ name, version }) => {
      try {
        let known = await resource.get(scope, { name }).catch(absent)
        if (known === undefined) {
          known = await resource.create(scope, await ownDefinition(name))
          made++
        }
        isRecognized &&= KNOWN_BUNDLES.test(known.metadata?.annotations?.[`${GROUP}/bundle-version`] ?? '')
        const problem = problemOf(known, version)
        if (problem === undefined) await untilServed(scope, client, known)
        else problems.push(problem)
      } catch (error) {
        scope.check()
        if (!(error instanceof StatusError)) throw error
        problems.push(`${name} is not served, and cannot be made: ${error.message}`)
      }
    }),
  )
  return { isUsable: problems.length === 0, isRecognized, made, problems: problems.sort() }
}

/** The class of Gateways that are served here, for those who have none yet. */
export async function makeGatewayClass(scope: Scope, client: Client): Promise<void> {
  const classes = client.resource(gatewayRefs.classes)
  if ((await classes.get(scope, { name: CLASS }).catch(absent)) !== undefined) return
  await classes.create(scope, { metadata: { name: CLASS }, spec: { controllerName: CONTROLLER } })
}

/** Loaded only when it is needed: most starts find the kinds there. */
async function ownDefinition(name: string): Promise<Definition> {
  const { GATEWAY_DEFINITIONS } = await import('./crds/definitions.ts')
  const found = GATEWAY_DEFINITIONS.find(({ metadata }) => metadata?.name === name)
  if (found === undefined) throw new Error(`there is no definition of ${name}`)
  return found
}

function problemOf({ metadata, spec }: Definition, version: string): string | undefined {
  if (spec.versions.some(({ name, served }) => name === version && served)) return undefined
  const bundle = metadata?.annotations?.[`${GROUP}/bundle-version`] ?? 'an unknown version'
  return `${metadata?.name ?? ''} is there as of ${bundle} and does not serve ${version}: install the standard channel of Gateway API ${OLDEST} or newer`
}

const isServed = ({ status }: Definition): boolean =>
  status?.conditions?.some(({ type, status: holds }) => type === 'Established' && holds === 'True') === true

/** Resolves when a kind that was made is served. */
export async function untilServed(scope: Scope, client: Client, known: Definition): Promise<void> {
  if (isServed(known)) return
  const resource = client.resource(refs.customresourcedefinitions)
  const { name = '', resourceVersion = '' } = known.metadata ?? {}
  for await (const event of resource.watch(scope, { fieldSelector: `metadata.name=${name}`, resourceVersion }))
    if ((event.type === 'ADDED' || event.type === 'MODIFIED') && isServed(event.object)) return
  return untilServed(scope, client, await resource.get(scope, { name }))
}

function absent(error: unknown): undefined {
  if (!isNotFound(error)) throw error
  return undefined
}
