import { isAlreadyExists, refs } from '#api'
import { type ControllerDefinition, done, isNamespaceEnding } from '#reconcile'

const NAME = 'default'

/** Every namespace has the ServiceAccount `default`; it is made again when someone deletes it. */
export const serviceAccountController: ControllerDefinition = {
  name: 'service-account-controller',
  setup(context) {
    const namespaces = context.watch(refs.namespaces, ({ key, now }) => (now === undefined ? [] : [key]))
    const accounts = context.watch(refs.serviceaccounts, ({ old, now }) =>
      old?.metadata?.name === NAME && now === undefined ? [old.metadata.namespace ?? ''] : [],
    )
    const client = context.client.resource(refs.serviceaccounts)
    return async (scope, namespace) => {
      const isActive = namespaces.get(namespace)?.status?.phase === 'Active'
      if (!isActive || accounts.get(`${namespace}/${NAME}`) !== undefined) return done
      try {
        await client.create(scope, { metadata: { namespace, name: NAME } })
      } catch (error) {
        if (!isAlreadyExists(error) && !isNamespaceEnding(error)) throw error
      }
      return done
    }
  },
}
