/* A driver for several virtual readers, each with a serial number, which vpcd's own driver does not tell. All readers share this one,
 * so pcscd numbers them as it does readers of one make: in the order in which they come. What each does is done by a copy of vpcd's
 * driver of its own, FOLDER/vpcd-port-PORT.so. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifdhandler.h>
#include <reader.h>

#define READERS 16

static struct {
    void *driver;
    unsigned port;
} readers[READERS];

static void *driver(DWORD lun) {
    return lun >> 16 < READERS ? readers[lun >> 16].driver : NULL;
}

/* The function of that name in the driver of a reader, called with what it was called with here. */
#define PASS_ON(lun, name, kind, ...)                                             \
    do {                                                                          \
        void *own = driver(lun);                                                  \
        RESPONSECODE(*call) kind = own ? (RESPONSECODE(*) kind)dlsym(own, name) : NULL; \
        return call ? call(__VA_ARGS__) : IFD_NO_SUCH_DEVICE;                     \
    } while (0)

RESPONSECODE IFDHCreateChannelByName(DWORD lun, LPSTR name) {
    const char *port = strrchr(name, ':');
    char path[4096];
    if (!port || lun >> 16 >= READERS)
        return IFD_NO_SUCH_DEVICE;
    readers[lun >> 16].port = (unsigned)atoi(port + 1);
    snprintf(path, sizeof path, "%s/vpcd-port-%s.so", FOLDER, port + 1);
    readers[lun >> 16].driver = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    /* Each copy has one reader, its first. */
    PASS_ON(lun, "IFDHCreateChannelByName", (DWORD, LPSTR), lun & 0xFFFF, name);
}

RESPONSECODE IFDHCreateChannel(DWORD lun, DWORD channel) {
    (void)lun, (void)channel;
    return IFD_NOT_SUPPORTED;
}

RESPONSECODE IFDHCloseChannel(DWORD lun) {
    PASS_ON(lun, "IFDHCloseChannel", (DWORD), lun & 0xFFFF);
}

static RESPONSECODE tell(PDWORD length, PUCHAR value, const void *what, DWORD octets) {
    if (*length < octets)
        return IFD_ERROR_INSUFFICIENT_BUFFER;
    memcpy(value, what, octets);
    *length = octets;
    return IFD_SUCCESS;
}

RESPONSECODE IFDHGetCapabilities(DWORD lun, DWORD tag, PDWORD length, PUCHAR value) {
    UCHAR count;
    char serial[32];
    switch (tag) {
    case TAG_IFD_SIMULTANEOUS_ACCESS:
        count = READERS;
        return tell(length, value, &count, 1);
    case TAG_IFD_SLOTS_NUMBER:
        count = 1;
        return tell(length, value, &count, 1);
    case SCARD_ATTR_VENDOR_IFD_SERIAL_NO:
        snprintf(serial, sizeof serial, "SN%u", readers[lun >> 16 < READERS ? lun >> 16 : 0].port);
        return tell(length, value, serial, (DWORD)strlen(serial));
    default:
        PASS_ON(lun, "IFDHGetCapabilities", (DWORD, DWORD, PDWORD, PUCHAR), lun & 0xFFFF, tag, length, value);
    }
}

RESPONSECODE IFDHSetCapabilities(DWORD lun, DWORD tag, DWORD length, PUCHAR value) {
    PASS_ON(lun, "IFDHSetCapabilities", (DWORD, DWORD, DWORD, PUCHAR), lun & 0xFFFF, tag, length, value);
}

RESPONSECODE IFDHSetProtocolParameters(DWORD lun, DWORD protocol, UCHAR flags, UCHAR pts1, UCHAR pts2, UCHAR pts3) {
    PASS_ON(lun, "IFDHSetProtocolParameters", (DWORD, DWORD, UCHAR, UCHAR, UCHAR, UCHAR), lun & 0xFFFF, protocol,
            flags, pts1, pts2, pts3);
}

RESPONSECODE IFDHPowerICC(DWORD lun, DWORD action, PUCHAR atr, PDWORD length) {
    PASS_ON(lun, "IFDHPowerICC", (DWORD, DWORD, PUCHAR, PDWORD), lun & 0xFFFF, action, atr, length);
}

RESPONSECODE IFDHTransmitToICC(DWORD lun, SCARD_IO_HEADER to, PUCHAR sent, DWORD octets, PUCHAR answer, PDWORD length,
                               PSCARD_IO_HEADER from) {
    PASS_ON(lun, "IFDHTransmitToICC",
            (DWORD, SCARD_IO_HEADER, PUCHAR, DWORD, PUCHAR, PDWORD, PSCARD_IO_HEADER), lun & 0xFFFF, to, sent, octets,
            answer, length, from);
}

RESPONSECODE IFDHICCPresence(DWORD lun) {
    PASS_ON(lun, "IFDHICCPresence", (DWORD), lun & 0xFFFF);
}

RESPONSECODE IFDHControl(DWORD lun, DWORD code, PUCHAR sent, DWORD octets, PUCHAR answer, DWORD room, LPDWORD length) {
    PASS_ON(lun, "IFDHControl", (DWORD, DWORD, PUCHAR, DWORD, PUCHAR, DWORD, LPDWORD), lun & 0xFFFF, code, sent, octets,
            answer, room, length);
}
