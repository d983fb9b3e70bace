/* In place of the guest image, for unit tests whose subject reaches the whole monitor and never
 * makes a machine. */
extern const unsigned char guest_image_start[], guest_image_end[], guest_image_hash[64];
const unsigned char guest_image_start[1], guest_image_end[1], guest_image_hash[64];
