/** What an instance may be called: 3 to 36 characters, as in the original service. */
export const INSTANCE_NAME = /^[a-z0-9-]{3,36}$/
