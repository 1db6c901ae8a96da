import type { Scope } from '#base'
import { type core, isConflict, isNotFound, keyOf, refs } from '#api'
import { type ControllerDefinition, done } from '#reconcile'

export const TOKEN_TYPE = 'kubernetes.io/service-account-token'
/** Other Secrets, which are many and may be large, are not kept here. */
export const TOKENS_ONLY = { fieldSelector: `type=${TOKEN_TYPE}` }
export const ACCOUNT_NAME = 'kubernetes.io/service-account.name'
export const ACCOUNT_UID = 'kubernetes.io/service-account.uid'

/** Makes a token without an end, which lives as long as its Secret. */
export type SignLegacyToken = (
  scope: Scope,
  of: { readonly namespace: string; readonly secret: string; readonly account: { readonly name: string; readonly uid: string } },
) => Promise<string>

/** Fills Secrets that ask for a ServiceAccount's token, and removes them with the account. */
export function tokenSecretController(options: { readonly sign: SignLegacyToken; readonly caBundle: string }): ControllerDefinition {
  const authority = Buffer.from(options.caBundle).toString('base64')
  return {
    name: 'serviceaccount-token-controller',
    workers: 5,
    setup: (context) => {
      const { client } = context
      const secretClient = client.resource(refs.secrets)
      const accountClient = client.resource(refs.serviceaccounts)
      /** Token Secrets that have gone, as long as an account may still name them. */
      const deleted = new Map<string, string>()
      const secrets = context.informers.informer(refs.secrets, TOKENS_ONLY)
      secrets.onChange(({ key, old, now }) => {
        if (now !== undefined) deleted.delete(key)
        else if (old !== undefined) deleted.set(key, accountKey(old))
        context.enqueue(key)
      })
      const accounts = context.watch(refs.serviceaccounts, ({ key, old, now }) => {
        const named = (now === undefined ? secrets.list(old?.metadata?.namespace ?? '') : []).filter((secret) => accountKey(secret) === key)
        // References to Secrets that have gone are looked at when an account comes or changes.
        const lost = (now?.secrets ?? [])
          .map(({ name }) => `${now?.metadata?.namespace ?? ''}/${name ?? ''}`)
          .filter((one) => deleted.has(one))
        return [...named.map(keyOf), ...lost]
      })
      async function fill(scope: Scope, secret: core.Secret, account: core.ServiceAccount): Promise<void> {
        const { namespace = '', name = '' } = secret.metadata ?? {}
        const data = { ...secret.data }
        const uid = account.metadata?.uid ?? ''
        data['ca.crt'] = authority
        data['namespace'] ||= Buffer.from(namespace).toString('base64')
        data['token'] ||= Buffer.from(
          await options.sign(scope, { namespace, secret: name, account: { name: account.metadata?.name ?? '', uid } }),
        ).toString('base64')
        const annotations = { ...secret.metadata?.annotations, [ACCOUNT_NAME]: account.metadata?.name ?? '', [ACCOUNT_UID]: uid }
        try {
          await secretClient.update(scope, { ...secret, metadata: { ...secret.metadata, annotations }, data })
        } catch (error) {
          // Changed or gone: the change that made it so brings the key back.
          if (!isConflict(error) && !isNotFound(error)) throw error
        }
      }

      async function accountOf(scope: Scope, secret: core.Secret): Promise<core.ServiceAccount | undefined> {
        const { namespace = '', annotations } = secret.metadata ?? {}
        const name = annotations?.[ACCOUNT_NAME] ?? ''
        const uid = annotations?.[ACCOUNT_UID] ?? ''
        const isIt = (account: core.ServiceAccount): boolean => uid === '' || account.metadata?.uid === uid
        const seen = accounts.get(`${namespace}/${name}`)
        if (seen !== undefined && isIt(seen)) return seen
        try {
          const account = await accountClient.get(scope, { namespace, name })
          return isIt(account) ? account : undefined
        } catch (error) {
          if (isNotFound(error)) return undefined
          throw error
        }
      }

      /** An account does not go on naming a Secret that has gone. */
      async function forgetReference(scope: Scope, key: string): Promise<void> {
        const account = accounts.get(deleted.get(key) ?? '')
        const name = key.split('/').at(-1)
        if (account?.secrets?.some((one) => one.name === name)) {
          await accountClient.update(scope, { ...account, secrets: account.secrets.filter((one) => one.name !== name) })
        }
        deleted.delete(key)
      }

      return async (scope, key) => {
        const secret = secrets.get(key)
        if (secret === undefined) {
          await forgetReference(scope, key)
          return done
        }
        const account = await accountOf(scope, secret)
        const { namespace, name = '', uid = '' } = secret.metadata ?? {}
        if (account === undefined) {
          try {
            await secretClient.delete(scope, { namespace, name }, { preconditions: { uid } })
          } catch (error) {
            if (!isConflict(error) && !isNotFound(error)) throw error
          }
          return done
        }
        const { data = {} } = secret
        if (data['ca.crt'] !== authority || !data['namespace'] || !data['token']) await fill(scope, secret, account)
        return done
      }
    },
  }
}

const accountKey = ({ metadata }: core.Secret): string => `${metadata?.namespace ?? ''}/${metadata?.annotations?.[ACCOUNT_NAME] ?? ''}`
