/** The API group of the platform's own kinds. */
export const PLATFORM_GROUP = 'delivery.sampan.io'
export const PLATFORM_VERSION = 'v1alpha1'

/** Who writes what the platform's controllers write. */
export const PLATFORM_MANAGER = 'sampan-delivery'

/** The label of everything that belongs to an application: its name. */
export const APPLICATION_LABEL = 'sampan.io/application'
