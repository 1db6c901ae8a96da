import type { Scope } from '#base'
import {
  type admissionregistration,
  type Components,
  type GroupVersionKind,
  StatusError,
  type TypedKind,
  checkPolicyTypes,
  refs,
  wholeSchema,
} from '#api'
import { type Client, discover } from '#client'
import { type ControllerDefinition, done, type Informer } from '#reconcile'
import { matchedKinds } from './matched-kinds.ts'

type Policy = admissionregistration.ValidatingAdmissionPolicy

const FIELD_MANAGER = 'validatingadmissionpolicy-status'

/** Checks the expressions of policies against the schemas of what they are about, once for each generation. Never changes what a policy does. */
export const validatingPolicyStatusController: ControllerDefinition = {
  name: 'validatingadmissionpolicy-status-controller',
  workers: 1,
  setup(context) {
    const policies: Informer<Policy> = context.watch(refs.validatingadmissionpolicies, ({ key, now }) => (now === undefined ? [] : [key]))
    const client = context.client.resource(refs.validatingadmissionpolicies)
    return async (scope, name) => {
      const policy = policies.get(name)
      const { generation = 0 } = policy?.metadata ?? {}
      if (policy?.spec === undefined || generation <= (policy.status?.observedGeneration ?? 0)) return done
      const expressionWarnings = await warningsOf(scope, context.client, policy.spec)
      const status: Policy['status'] = {
        observedGeneration: generation,
        typeChecking: expressionWarnings.length === 0 ? {} : { expressionWarnings },
      }
      const { group, version, kind } = refs.validatingadmissionpolicies
      const body = { apiVersion: `${group}/${version}`, kind, metadata: { name }, status }
      await client.patch(scope, { name }, { type: 'apply', body }, { subresource: 'status', fieldManager: FIELD_MANAGER, force: true })
      return done
    }
  },
}

async function warningsOf(
  scope: Scope,
  client: Client,
  spec: admissionregistration.ValidatingAdmissionPolicySpec,
): Promise<admissionregistration.ExpressionWarning[]> {
  const { resources } = await discover(scope, client)
  const kinds = matchedKinds(spec.matchConstraints, resources)
  const documents = new Map<string, Components>()
  const typed = async (kind: GroupVersionKind): Promise<readonly TypedKind[]> => {
    const path = kind.group === '' ? `api/${kind.version}` : `apis/${kind.group}/${kind.version}`
    let components = documents.get(path)
    if (components === undefined) documents.set(path, (components = await publishedTypes(scope, client, path)))
    const schema = wholeSchema(components, kind)
    return schema === undefined ? [] : [{ kind, schema }]
  }
  const typedKinds: TypedKind[] = []
  for (const kind of kinds) typedKinds.push(...(await typed(kind)))
  const { apiVersion = '', kind = '' } = spec.paramKind ?? {}
  const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  const [params] = spec.paramKind === undefined ? [] : await typed({ group, version: version ?? '', kind })
  return checkPolicyTypes(spec, typedKinds, params)
}

/** What the server publishes of a group's version; nothing when it is not there, or is another server's that does not answer. */
async function publishedTypes(scope: Scope, client: Client, path: string): Promise<Components> {
  try {
    return await askForTypes(scope, client, path)
  } catch (error) {
    if (error instanceof StatusError) return {}
    throw error
  }
}

async function askForTypes(scope: Scope, client: Client, path: string): Promise<Components> {
  const root: { readonly paths?: Readonly<Record<string, { readonly serverRelativeURL: string }>> } = await json(
    scope,
    client,
    '/openapi/v3',
  )
  const { paths = {} } = root
  const entry = Object.hasOwn(paths, path) ? paths[path] : undefined
  if (entry === undefined) return {}
  const document: { readonly components?: { readonly schemas?: Components } } = await json(scope, client, entry.serverRelativeURL)
  return document.components?.schemas ?? {}
}

async function json<T>(scope: Scope, client: Client, path: string): Promise<T> {
  const { body } = await client.raw(scope, { method: 'GET', path, headers: { accept: 'application/json' } })
  return JSON.parse(Buffer.from(body).toString('utf8'))
}
